"""Clients that share nothing with us: Webex's Python SDK plays the people who use our bot, and webex_bot plays
another bot on the same simulator.

usage: peers.py JSON_WITH_THE_SIMULATOR'S_ADDRESSES
"""
import asyncio
import json
import os
import sys
import threading
import time

import webexpythonsdk
from webex_bot.models.command import Command
from webex_bot.webex_bot import WebexBot
from webex_bot.websockets import webex_websocket_client as socket_client

place = json.loads(sys.argv[1])
ORG = place["token"].split("_")[2]
PATIENCE = 60


def person(number):
    return webexpythonsdk.WebexAPI(access_token=f"person{number}_A52D_{ORG}", base_url=place["api"] + "/")


def until(what, look):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise SystemExit(f"never came true: {what}")


def direct(api, email, text, answer):
    """Writes until it is answered: what was written before the bot listens for the first time is nobody's."""

    def asked():
        message = api.messages.create(toPersonEmail=email, text=text)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            if said(api, message.roomId, answer):
                return message.roomId
            time.sleep(0.1)
        return None

    return until(f"{email} answers", asked)


def said(api, room, text):
    return next((one for one in api.messages.list(roomId=room, max=50) if text in (one.markdown or one.text or "")), None)


def card_of(message):
    return message.json_data["attachments"][0]["content"]


eoc, senior = person(1), person(2)
assert eoc.people.me().emails == ["eoc1@acme.example"]
room = direct(eoc, "lockdown@webex.bot", "status", "Normal calling")
eoc.messages.create(roomId=room, text="lock")
card = until("the bot asks for a confirmation", lambda: said(eoc, room, "Lock the PSTN for Acme North?"))
action = eoc.attachment_actions.create(type="submit", messageId=card.id, inputs=card_of(card)["actions"][0]["data"])
assert eoc.attachment_actions.get(action.id).messageId == card.id
until("the bot tells the verified end", lambda: said(eoc, room, "Done after"))
space = until("the space is there", lambda: next((one for one in eoc.rooms.list(type="group") if "lockdown of" in one.title), None))
members = until("the senior is in", lambda: [one for one in eoc.memberships.list(roomId=space.id) if one.personEmail == "senior1@acme.example"])
assert members[0].isModerator

eoc.messages.create(roomId=room, text="release")
until("the EOC is refused the all-clear", lambda: said(eoc, room, "Only senior EOC personnel may give the all-clear"))
room = direct(senior, "lockdown@webex.bot", "status", "PSTN LOCKED")
senior.messages.create(roomId=room, text="release")
card = until("the bot asks the senior", lambda: said(senior, room, "Give the all-clear for Acme North?"))
inputs = card_of(card)["actions"][0]["data"] | {"typed": "Acme North"}
senior.attachment_actions.create(type="submit", messageId=card.id, inputs=inputs)
until("normal again", lambda: said(senior, room, "Normal calling** · Acme North\nOrdered normal by Senior 1"))
until("the space is closed", lambda: senior.rooms.get(space.id).title.startswith("[CLOSED]"))
try:
    eoc.messages.create(roomId=space.id, markdown="x" * 8000)
    raise SystemExit("a message of 8000 bytes was taken")
except webexpythonsdk.ApiError as error:
    assert error.status_code == 400 and error.details["trackingId"], error
print("  webexpythonsdk: the EOC locks by card, is refused the all-clear; the senior gives it")


class Hello(Command):
    def __init__(self):
        super().__init__(command_keyword="hello", help_message="says hello", card=None)

    def execute(self, message, attachment_actions, activity):
        return "hello back"


socket_client.DEFAULT_U2C_URL = place["u2c"] + "/catalog"
socket_client.ssl_context = None
real = webexpythonsdk.WebexAPI
socket_client.WebexAPI = lambda access_token, proxies=None: real(access_token=access_token, base_url=place["api"] + "/")
bot = WebexBot(f"other_A52D_{ORG}", bot_name="Other", log_level="ERROR")
bot.add_command(Hello())


def run():
    asyncio.set_event_loop(asyncio.new_event_loop())
    bot.run()


threading.Thread(target=run, daemon=True).start()
direct(eoc, "other@webex.bot", "hello", "hello back")
print("  webex_bot: finds its service, registers, listens, fetches and answers")
sys.stdout.flush()
# Its thread never ends by itself.
os._exit(0)
