"""Holds what went over the wire against Webex's own description of its API and against Adaptive Cards 1.3.

usage: validate.py FOLDER_WITH_EXCHANGES FOLDER_WITH_REFERENCE

Requests are closed: what the description does not name is wrong. Answers are closed too, but for what the
description is known to leave out. Where it binds attachments to the wrong schema, the card is held against the
schema of Adaptive Cards instead.
"""
import json
import pathlib
import re
import sys

import jsonschema
from openapi_schema_validator import OAS30Validator

exchanges, reference = map(pathlib.Path, sys.argv[1:3])
NAMES = ["messaging", "device-subset", "meeting-subset"]
DOCUMENTS = [json.loads((reference / f"openapi/webex-{name}.json").read_text()) for name in NAMES]
CARD = json.loads((reference / "adaptivecards/adaptive-card-1.3.0.json").read_text())

# What answers hold although their schema does not name it: known faults of the description.
# Whatever a card or a command has in it: the description names those of its example.
FREE = {"inputs", "arguments", "result"}
LEFT_OUT = {"html", "parentId", "markdown", "attachments", "updated", "mentionedPeople", "isMonitor", "personOrgId"}


def resolved(schema, document, closed, seen=()):
    """A schema without references, with its objects closed."""
    if "$ref" in schema:
        name = schema["$ref"]
        if name in seen:
            return {}
        target = document
        for part in name.removeprefix("#/").split("/"):
            target = target[part]
        return resolved(target, document, closed, (*seen, name))
    schema = dict(schema)
    if "properties" in schema:
        properties = {
            name: {"type": "object"} if name in FREE else resolved(part, document, closed, seen)
            for name, part in schema["properties"].items()
        }
        schema["properties"] = properties
        if closed and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
    if "items" in schema and isinstance(schema["items"], dict):
        schema["items"] = resolved(schema["items"], document, closed, seen)
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            schema[word] = [resolved(part, document, closed, seen) for part in schema[word]]
    schema.pop("example", None)
    return schema


def operation(method, path):
    for document in DOCUMENTS:
        for template, methods in document["paths"].items():
            pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in methods and (template == path or "{" in template):
                exact = document["paths"].get(path, {}).get(method.lower())
                return document, exact or methods[method.lower()]
    return None, None


XAPI = [json.loads(file.read_text())["objects"] for file in sorted((reference / "roomos").glob("*.json"))]


def check_command(name, arguments):
    """A command of a room device, against every release of RoomOS that is described."""
    for objects in XAPI:
        wanted = name.replace(".", " ").lower()
        found = [one for one in objects if one.get("path", "").lower() in (wanted, f"xcommand {wanted}")]
        found = found or [one for one in objects if one.get("normPath", "").lower().endswith(wanted)]
        assert found, f"no command {name}"
        known = {one["name"]: one for one in found[0]["attributes"].get("params", [])}
        for argument, value in arguments.items():
            assert argument in known, f"{name} takes no {argument}"
            space = known[argument]["valuespace"]
            assert len(str(value)) <= int(space.get("MaxLength", 10_000)), f"{name}: {argument} is too long"
            if space["type"] == "Integer":
                assert int(space["Min"]) <= int(value) <= int(space["Max"]), f"{name}: {argument} is {value}"
            if "Values" in space:
                assert value in space["Values"], f"{name}: {argument} is {value}"
        missing = [one for one, how in known.items() if how.get("required") and one not in arguments]
        assert not missing, f"{name} needs {missing}"


def without(value, names):
    if isinstance(value, dict):
        return {name: without(part, names) for name, part in value.items() if name not in names}
    if isinstance(value, list):
        return [without(part, names) for part in value]
    return value


def cards(value):
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "attachments" and isinstance(part, list):
                yield from (one["content"] for one in part)
            else:
                yield from cards(part)
    elif isinstance(value, list):
        for part in value:
            yield from cards(part)


def check(what, schema, value):
    errors = list(OAS30Validator(schema).iter_errors(value))
    assert not errors, f"{what}: {errors[0].message} in {json.dumps(value)[:600]}"


card_validator = jsonschema.Draft6Validator(CARD)
requests = answers = shown = commands = 0
for file in sorted(exchanges.glob("*.json")):
    for one in json.loads(file.read_text()):
        where = f"{one['method']} {one['path']}"
        if one["path"].startswith("/xapi/command/"):
            check_command(one["path"].rsplit("/", 1)[1], one["request"].get("arguments", {}))
            commands += 1
            continue
        document, described = operation(one["method"], one["path"])
        if described is None:
            # The token's renewal is described elsewhere.
            assert one["path"] == "/access_token", f"{where}: the API has no such call"
            continue
        for card in [*cards(one["request"]), *cards(one["response"])]:
            errors = list(card_validator.iter_errors(card))
            assert not errors, f"{where}: {errors[0].message} in the card {json.dumps(card)[:600]}"
            assert len(json.dumps(card)) < 15_000, f"{where}: a card of more than 15 kB"
            shown += 1
        if one["request"] is not None and "requestBody" in described and one["status"] < 400:
            schema = described["requestBody"]["content"]["application/json"]["schema"]
            check(f"{where}, request", resolved(schema, document, True), without(one["request"], {"attachments"}))
            requests += 1
        answer = described["responses"].get(str(one["status"]), {})
        if "content" in answer and one["status"] < 400:
            described_as = next(iter(answer["content"].values()), {}).get("schema", {})
            schema = resolved(described_as, document, True)
            check(f"{where}, answer", schema, without(one["response"], LEFT_OUT | {"capabilities"}))
            answers += 1
assert requests >= 50 and answers >= 100 and shown >= 20, (requests, answers, shown)
print(f"  {requests} requests, {answers} answers, {shown} cards and {commands} commands of room devices are as described")
