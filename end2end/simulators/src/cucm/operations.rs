//! What AXL's operations do to the model. Names and orders are AXL's.

use super::faults::{Clause, Sql};
use super::model::{
    self, Cluster, Css, Device, Forward, Number, Partition, RoutePattern, SipRoutePattern, TranslationPattern,
    same_uuid, uuid,
};
use super::soap::{Node, Value, response, row};
use super::sql;
use std::fmt::Write;

/// A SOAP fault: axlcode and text.
pub(crate) struct Fault(pub(crate) i32, pub(crate) String);

/// How answers are written.
pub(crate) struct Manner<'a> {
    pub(crate) version: &'a str,
    pub(crate) nils: bool,
    pub(crate) max_rows: Option<usize>,
    pub(crate) clause: Clause,
    pub(crate) sql: Sql,
    pub(crate) missing_columns: &'a [String],
}

type Answer = Result<String, Fault>;

/// Carries out one operation and returns its response element.
pub(crate) fn perform(cluster: &mut Cluster, ask: &Node, manner: &Manner<'_>) -> Answer {
    let name = ask.name.as_str();
    let inner = match name {
        "getCCMVersion" => {
            Ok("<return><componentVersion><version>15.0.1.12900(234)</version></componentVersion></return>".into())
        }
        "listRoutePattern" => list(
            cluster.route_patterns.iter().map(|p| (&p.pattern, &p.partition, route_row(p, ask, manner))),
            ask,
            manner,
        ),
        "listTransPattern" => list(
            cluster.translation_patterns.iter().map(|p| (&p.pattern, &p.partition, trans_row(p, ask, manner))),
            ask,
            manner,
        ),
        "listSipRoutePattern" => list(
            cluster.sip_route_patterns.iter().map(|p| (&p.pattern, &p.partition, sip_route_row(p, ask, manner))),
            ask,
            manner,
        ),
        "listHuntPilot" => list(
            cluster.hunt_pilots.iter().map(|p| (&p.pattern, &p.partition, number_row("huntPilot", p, ask, manner))),
            ask,
            manner,
        ),
        "listLine" => list(
            cluster.lines.iter().map(|p| (&p.pattern, &p.partition, number_row("line", p, ask, manner))),
            ask,
            manner,
        ),
        "listSipTrunk" => {
            let trunks = cluster.devices.iter().filter(|device| device.class == "Trunk");
            list(trunks.map(|device| (&device.name, &None, trunk_row(device, ask, manner))), ask, manner)
        }
        "listVoiceMailPilot" => list(
            cluster.voice_mail_pilots.iter().map(|pilot| (&pilot.number, &None, voice_mail_row(pilot, ask, manner))),
            ask,
            manner,
        ),
        "listCss" => list(
            cluster.calling_search_spaces.iter().map(|c| (&c.name, &None, css_row(c, ask, manner, false))),
            ask,
            manner,
        ),
        "listRoutePartition" => {
            list(cluster.partitions.iter().map(|p| (&p.name, &None, partition_row(p, ask, manner))), ask, manner)
        }
        "listTimeSchedule" => list(
            cluster.schedules.iter().map(|s| {
                (
                    &s.name,
                    &None,
                    row(
                        "timeSchedule",
                        &uuid("TimeSchedule", &s.name),
                        vec![("name", Value::text(&s.name))],
                        ask.child("returnedTags"),
                        manner.nils,
                    ),
                )
            }),
            ask,
            manner,
        ),
        "listTimePeriod" => {
            list(cluster.periods.iter().map(|p| (&p.name, &None, period_row(p, ask, manner))), ask, manner)
        }
        "listProcessNode" => Ok(nodes(ask, manner)),
        "getRoutePattern" => one(
            cluster
                .route_patterns
                .iter()
                .find(|p| is(ask, &p.uuid(), &p.pattern, p.partition.as_deref()))
                .map(|p| route_row(p, ask, manner)),
            "Route Pattern",
        ),
        "getTransPattern" => one(
            cluster
                .translation_patterns
                .iter()
                .find(|p| is(ask, &p.uuid(), &p.pattern, p.partition.as_deref()))
                .map(|p| trans_row(p, ask, manner)),
            "Translation Pattern",
        ),
        "getHuntPilot" => one(
            cluster
                .hunt_pilots
                .iter()
                .find(|p| is(ask, &number_uuid("huntPilot", p), &p.pattern, p.partition.as_deref()))
                .map(|p| number_row("huntPilot", p, ask, manner)),
            "Hunt Pilot",
        ),
        "getLine" => one(
            cluster
                .lines
                .iter()
                .find(|p| is(ask, &number_uuid("line", p), &p.pattern, p.partition.as_deref()))
                .map(|p| number_row("line", p, ask, manner)),
            "Line",
        ),
        "getCss" => one(
            cluster
                .calling_search_spaces
                .iter()
                .find(|c| named(ask, "Css", &c.name))
                .map(|c| css_row(c, ask, manner, true)),
            "Calling Search Space",
        ),
        "getRoutePartition" => one(
            cluster
                .partitions
                .iter()
                .find(|p| named(ask, "RoutePartition", &p.name))
                .map(|p| partition_row(p, ask, manner)),
            "Route Partition",
        ),
        "getTimeSchedule" => one(
            cluster
                .schedules
                .iter()
                .find(|s| named(ask, "TimeSchedule", &s.name))
                .map(|s| schedule_row(s, ask, manner)),
            "Time Schedule",
        ),
        "getTimePeriod" => one(
            cluster.periods.iter().find(|p| named(ask, "TimePeriod", &p.name)).map(|p| period_row(p, ask, manner)),
            "Time Period",
        ),
        "executeSQLQuery" if manner.sql == Sql::Empty => Ok("<return/>".into()),
        "executeSQLQuery" => {
            sql::answer(cluster, ask.text_of("sql").unwrap_or_default(), manner.max_rows, manner.missing_columns)
        }
        "listChange" => Ok(changes(cluster, ask)?),
        "updateRoutePattern"
        | "updateSipRoutePattern"
        | "updateTransPattern"
        | "updateCss"
        | "updateRoutePartition" => {
            cluster.transact(|cluster| update(cluster, ask)).map(|uuid| format!("<return>{uuid}</return>"))
        }
        "applyRoutePartition" | "restartRoutePartition" => {
            cluster.calls_dropped += 1;
            Ok("<return>true</return>".into())
        }
        other => Err(Fault(-1, format!("The simulator does not model {other}"))),
    }?;
    Ok(response(name, manner.version, &inner))
}

/// SQL LIKE: `%` any run, `_` any one, `\` escapes.
fn like(pattern: &str, text: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = chars.as_str();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..]))
        }
        Some(c) => {
            let (literal, rest) = match c {
                '\\' => (chars.next(), chars.as_str()),
                '_' => (None, chars.as_str()),
                c => (Some(c), chars.as_str()),
            };
            let mut text = text.chars();
            text.next().is_some_and(|t| literal.is_none_or(|l| l.eq_ignore_ascii_case(&t)) && like(rest, text.as_str()))
        }
    }
}

fn list<'a>(
    rows: impl Iterator<Item = (&'a String, &'a Option<String>, String)>,
    ask: &Node,
    manner: &Manner<'_>,
) -> Answer {
    let search = ask.child("searchCriteria");
    let wants = |field: &str| search.and_then(|s| s.text_of(field));
    let empty = search.is_none_or(|s| s.children.is_empty());
    if empty {
        return Err(Fault(-1, "At least one search criterion is needed".into()));
    }
    let found: Vec<String> = rows
        .filter(|(name, partition, _)| {
            let by_name = wants("pattern").or(wants("name")).or(wants("dirn")).is_none_or(|p| like(p, name));
            let by_partition =
                wants("routePartitionName").is_none_or(|p| partition.as_ref().is_some_and(|name| like(p, name)));
            by_name && by_partition
        })
        .map(|(_, _, row)| row)
        .collect();
    let number = |field: &str| ask.text_of(field).and_then(|text| text.parse::<usize>().ok());
    let first = number("first");
    if let Some(most) = manner.max_rows
        && first.unwrap_or(found.len()).min(found.len()) > most
    {
        let total = found.len();
        return Err(Fault(
            -1,
            format!(
                "Query request too large. Total rows matched: {total} rows. Suggestive Row Fetch: less than {most} rows"
            ),
        ));
    }
    let page: String = found.into_iter().skip(number("skip").unwrap_or(0)).take(first.unwrap_or(usize::MAX)).collect();
    Ok(if page.is_empty() { "<return/>".into() } else { format!("<return>{page}</return>") })
}

fn one(row: Option<String>, what: &str) -> Answer {
    row.map(|row| format!("<return>{row}</return>"))
        .ok_or_else(|| Fault(5007, format!("Item not valid: The specified {what} was not found")))
}

fn is(ask: &Node, uuid: &str, pattern: &str, partition: Option<&str>) -> bool {
    match ask.text_of("uuid") {
        Some(wanted) => same_uuid(wanted, uuid),
        None => ask.text_of("pattern") == Some(pattern) && ask.text_of("routePartitionName") == partition,
    }
}

fn named(ask: &Node, kind: &str, name: &str) -> bool {
    match ask.text_of("uuid") {
        Some(wanted) => same_uuid(wanted, &uuid(kind, name)),
        None => ask.text_of("name") == Some(name),
    }
}

fn reference(kind: &str, name: Option<&String>) -> Value {
    Value::Ref(name.map(|name| (name.clone(), uuid(kind, name))))
}

fn route_row(p: &RoutePattern, ask: &Node, manner: &Manner<'_>) -> String {
    let mut fields = vec![
        ("pattern", Value::text(&p.pattern)),
        ("description", Value::text("")),
        ("usage", Value::text("Route")),
        ("routePartitionName", reference("RoutePartition", p.partition.as_ref())),
        ("blockEnable", Value::Flag(p.blocked)),
        ("calledPartyTransformationMask", Value::opt(p.mask.as_ref())),
        ("digitDiscardInstructionName", reference("DigitDiscardInstruction", p.discard.as_ref())),
        ("patternUrgency", Value::Flag(p.urgent)),
        ("prefixDigitsOut", Value::opt(p.prefix.as_ref())),
        ("routeFilterName", reference("RouteFilter", p.route_filter.as_ref())),
    ];
    if ask.name == "getRoutePattern" {
        let leads = |tag: &str, kind: &str, name: &String| {
            format!(r#"<{tag} uuid="{}">{}</{tag}>"#, uuid(kind, name), quick_xml::escape::escape(name.as_str()))
        };
        let inner = p.route_list.as_ref().map(|n| leads("routeListName", "RouteList", n));
        let inner = inner.or(p.gateway.as_ref().map(|n| leads("gatewayName", "Gateway", n))).unwrap_or_default();
        fields.push(("destination", Value::Raw(format!("<destination>{inner}</destination>"))));
    }
    fields.push(("isEmergencyServiceNumber", Value::Flag(p.emergency)));
    row("routePattern", &p.uuid(), fields, ask.child("returnedTags"), manner.nils)
}

fn trans_row(p: &TranslationPattern, ask: &Node, manner: &Manner<'_>) -> String {
    let fields = vec![
        ("pattern", Value::text(&p.pattern)),
        ("description", Value::text("")),
        ("usage", Value::text("Translation")),
        ("routePartitionName", reference("RoutePartition", p.partition.as_ref())),
        ("blockEnable", Value::Flag(p.blocked)),
        ("calledPartyTransformationMask", Value::opt(p.mask.as_ref())),
        ("digitDiscardInstructionName", reference("DigitDiscardInstruction", p.discard.as_ref())),
        ("patternUrgency", Value::Flag(p.urgent)),
        ("prefixDigitsOut", Value::opt(p.prefix.as_ref())),
        ("routeFilterName", reference("RouteFilter", p.route_filter.as_ref())),
        ("callingSearchSpaceName", reference("Css", p.css.as_ref())),
        ("routeNextHopByCgpn", Value::Flag(p.by_calling_number)),
        ("useOriginatorCss", Value::Flag(p.use_originator_css)),
        ("dontWaitForIDTOnSubsequentHops", Value::Flag(p.at_once)),
        ("isEmergencyServiceNumber", Value::Flag(p.emergency)),
    ];
    row("transPattern", &p.uuid(), fields, ask.child("returnedTags"), manner.nils)
}

fn sip_route_row(p: &SipRoutePattern, ask: &Node, manner: &Manner<'_>) -> String {
    let fields = vec![
        ("pattern", Value::text(&p.pattern)),
        ("description", Value::text("")),
        ("usage", Value::text("Domain Routing")),
        ("routePartitionName", reference("RoutePartition", p.partition.as_ref())),
        ("blockEnable", Value::Flag(p.blocked)),
        ("sipTrunkName", reference("Device", Some(&p.trunk))),
        ("useCallerCss", Value::Flag(false)),
    ];
    row("sipRoutePattern", &p.uuid(), fields, ask.child("returnedTags"), manner.nils)
}

fn trunk_row(device: &Device, ask: &Node, manner: &Manner<'_>) -> String {
    let kept = device.significant_digits.map_or("99".to_owned(), |digits| digits.to_string());
    let fields = vec![
        ("name", Value::text(&device.name)),
        ("description", Value::text("")),
        ("callingSearchSpaceName", reference("Css", device.css.as_ref())),
        ("devicePoolName", reference("DevicePool", device.pool.as_ref())),
        ("networkLocation", Value::text(device.network_location.as_deref().unwrap_or("Use System Default"))),
        ("rerouteCallingSearchSpaceName", reference("Css", device.reroute_css.as_ref())),
        ("referCallingSearchSpaceName", reference("Css", device.refer_css.as_ref())),
        ("sigDigits", Value::Text(kept)),
        ("prefixDn", Value::opt(device.prefix.as_ref())),
    ];
    row("sipTrunk", &uuid("Device", &device.name), fields, ask.child("returnedTags"), manner.nils)
}

fn number_uuid(kind: &str, p: &Number) -> String {
    uuid(kind, &format!("{}@{}", p.pattern, p.partition.as_deref().unwrap_or("")))
}

fn number_row(kind: &str, p: &Number, ask: &Node, manner: &Manner<'_>) -> String {
    let usage = if kind == "line" { "Device" } else { "Hunt Pilot" };
    let mut fields = vec![
        ("pattern", Value::text(&p.pattern)),
        ("description", Value::text("")),
        ("usage", Value::text(usage)),
        ("routePartitionName", reference("RoutePartition", p.partition.as_ref())),
    ];
    // A list of lines has neither.
    if kind == "huntPilot" {
        fields.extend([("blockEnable", Value::Flag(p.dead)), ("patternUrgency", Value::Flag(p.urgent))]);
        for (tag, when) in [("forwardHuntNoAnswer", "no_answer"), ("forwardHuntBusy", "busy")] {
            fields.push((tag, Value::Raw(overflow(tag, p.forwards.iter().find(|forward| forward.when == when)))));
        }
        fields.push(("queueCalls", Value::Raw(queue(p))));
    }
    row(kind, &number_uuid(kind, p), fields, ask.child("returnedTags"), manner.nils)
}

fn overflow(tag: &str, forward: Option<&Forward>) -> String {
    let text = |name: &str| quick_xml::escape::escape(name).into_owned();
    let css = |name: &String| {
        format!(r#"<callingSearchSpaceName uuid="{}">{}</callingSearchSpaceName>"#, uuid("Css", name), text(name))
    };
    let inner = forward.map(|forward| {
        let css = forward.css.first().map(css).unwrap_or_default();
        format!("<destination>{}</destination>{css}", text(&forward.destination))
    });
    format!("<{tag}><usePersonalPreferences>false</usePersonalPreferences>{}</{tag}>", inner.unwrap_or_default())
}

/// Where calls go that do not stay in the queue.
fn queue(p: &Number) -> String {
    let tags = [
        ("queue_full", "queueFullDestination", "callingSearchSpacePilotQueueFull"),
        ("max_wait", "maxWaitTimeDestination", "callingSearchSpaceMaxWaitTime"),
        ("no_agent", "noAgentDestination", "callingSearchSpaceNoAgent"),
    ];
    let text = |text: &str| quick_xml::escape::escape(text).into_owned();
    let mut inner = String::new();
    for (when, to, space) in tags {
        let Some(forward) = p.forwards.iter().find(|forward| forward.when == when) else { continue };
        let _ = write!(inner, "<{to}>{}</{to}>", text(&forward.destination));
        for css in forward.css.iter().take(1) {
            let _ = write!(inner, r#"<{space} uuid="{}">{}</{space}>"#, uuid("Css", css), text(css));
        }
    }
    format!("<queueCalls>{inner}</queueCalls>")
}

/// A list carries the names of the members joined, and no more.
fn css_row(css: &Css, ask: &Node, manner: &Manner<'_>, with_members: bool) -> String {
    let mut fields = vec![("description", Value::text(""))];
    let mut names = css.members.clone();
    if manner.clause == Clause::Sorted {
        names.sort();
    }
    if manner.clause != Clause::Missing {
        fields.push(("clause", Value::Text(names.join(":"))));
    }
    if with_members {
        let mut members = String::from("<members>");
        // Not in document order on purpose: readers must go by the index.
        for (at, name) in css.members.iter().enumerate().rev() {
            let _ = write!(
                members,
                r#"<member uuid="{}"><routePartitionName uuid="{}">{}</routePartitionName><index>{}</index></member>"#,
                uuid("CssMember", &format!("{}/{name}", css.name)),
                uuid("RoutePartition", name),
                quick_xml::escape::escape(name.as_str()),
                at + 1
            );
        }
        members.push_str("</members>");
        fields.push(("members", Value::Raw(members)));
    }
    fields.push(("partitionUsage", Value::text("General")));
    fields.push(("name", Value::text(&css.name)));
    row("css", &uuid("Css", &css.name), fields, ask.child("returnedTags"), manner.nils)
}

fn partition_row(p: &Partition, ask: &Node, manner: &Manner<'_>) -> String {
    let fields = vec![
        ("name", Value::text(&p.name)),
        ("description", Value::text(&p.description)),
        ("timeScheduleIdName", reference("TimeSchedule", p.schedule.as_ref())),
        ("useOriginatingDeviceTimeZone", Value::text(if p.zone.is_none() { "true" } else { "false" })),
        // What stands there by default, whether it counts or not.
        ("timeZone", Value::text(p.zone.as_deref().unwrap_or("Etc/GMT"))),
    ];
    row("routePartition", &uuid("RoutePartition", &p.name), fields, ask.child("returnedTags"), manner.nils)
}

fn voice_mail_row(pilot: &model::VoiceMailPilot, ask: &Node, manner: &Manner<'_>) -> String {
    let fields = vec![("dirn", Value::text(&pilot.number)), ("cssName", reference("Css", pilot.css.as_ref()))];
    row("voiceMailPilot", &uuid("VoiceMailPilot", &pilot.number), fields, ask.child("returnedTags"), manner.nils)
}

fn schedule_row(s: &model::Schedule, ask: &Node, manner: &Manner<'_>) -> String {
    let member = |name: &String| {
        format!(r#"<member><timePeriodName uuid="{}">{name}</timePeriodName></member>"#, uuid("TimePeriod", name))
    };
    let members: String = s.periods.iter().map(member).collect();
    let fields = vec![("name", Value::text(&s.name)), ("members", Value::Raw(format!("<members>{members}</members>")))];
    row("timeSchedule", &uuid("TimeSchedule", &s.name), fields, ask.child("returnedTags"), manner.nils)
}

fn period_row(p: &model::Period, ask: &Node, manner: &Manner<'_>) -> String {
    let none = || "None".to_owned();
    let day = |text: &Option<String>| text.clone().unwrap_or_else(none);
    let date = |text: &Option<String>| {
        let found = text.as_ref().and_then(|text| text.split_once(' '));
        found.map_or_else(|| (none(), "0".to_owned()), |(month, day)| (month.to_owned(), day.to_owned()))
    };
    let ((month, day_of_month), (month_end, day_end)) = (date(&p.on), date(&p.until));
    let fields = vec![
        ("name", Value::text(&p.name)),
        ("startTime", Value::text(&p.start)),
        ("endTime", Value::text(&p.end)),
        ("startDay", Value::Text(day(&p.start_day))),
        ("endDay", Value::Text(day(&p.end_day))),
        ("monthOfYear", Value::Text(month)),
        ("dayOfMonth", Value::Text(day_of_month)),
        ("dayOfMonthEnd", Value::Text(day_end)),
        ("monthOfYearEnd", Value::Text(month_end)),
    ];
    row("timePeriod", &uuid("TimePeriod", &p.name), fields, ask.child("returnedTags"), manner.nils)
}

fn nodes(ask: &Node, manner: &Manner<'_>) -> String {
    let node = |name: &str, usage: &str| {
        let fields = vec![
            ("name", Value::text(name)),
            ("nodeUsage", Value::text(usage)),
            ("processNodeRole", Value::text("CUCM Voice/Video")),
        ];
        row("processNode", &uuid("ProcessNode", name), fields, ask.child("returnedTags"), manner.nils)
    };
    let all = [("EnterpriseWideData", "Publisher"), ("cucm-pub", "Publisher"), ("cucm-sub", "Subscriber")];
    format!("<return>{}</return>", all.map(|(name, usage)| node(name, usage)).concat())
}

/// Ids count from 1; a queue of another life is refused, as after an AXL restart.
fn changes(cluster: &Cluster, ask: &Node) -> Answer {
    let since = ask.child("startChangeId");
    if since.is_some_and(|s| s.queue.as_deref() != Some("SimQueue")) {
        return Err(Fault(5007, "The queueId value does not match the server".into()));
    }
    let last = cluster.changes.len();
    let from = since.and_then(|s| s.text.trim().parse::<usize>().ok());
    let objects: Vec<&str> =
        ask.child("objectList").into_iter().flat_map(|o| &o.children).map(|o| o.text.trim()).collect();
    let mut rows = String::new();
    for (at, change) in cluster.changes.iter().enumerate() {
        if from.is_some_and(|from| at + 1 >= from) && objects.contains(&change.kind) {
            let _ = write!(
                rows,
                r#"<change type="{}" uuid="{}"><id>{}</id><action>u</action><serviceType></serviceType><doGet>true</doGet><changedTags/></change>"#,
                change.kind,
                change.uuid,
                at + 1
            );
        }
    }
    Ok(format!(
        "<queueInfo><firstChangeId>1</firstChangeId><lastChangeId>{last}</lastChangeId><nextStartChangeId>{}</nextStartChangeId><queueId>SimQueue</queueId></queueInfo><changes>{rows}</changes>",
        last + 1
    ))
}

/// Only what the request carries is changed; an empty or nil element clears.
fn update(cluster: &mut Cluster, ask: &Node) -> Answer {
    let missing = |what: &str| Fault(5003, format!("{what} not found"));
    let spaces: Vec<String> = cluster.calling_search_spaces.iter().map(|c| c.name.clone()).collect();
    let partitions: Vec<String> = cluster.partitions.iter().map(|p| p.name.clone()).collect();
    let schedules: Vec<String> = cluster.schedules.iter().map(|s| s.name.clone()).collect();
    match ask.name.as_str() {
        "updateRoutePattern" => {
            let found =
                cluster.route_patterns.iter_mut().find(|p| is(ask, &p.uuid(), &p.pattern, p.partition.as_deref()));
            let found = found.ok_or_else(|| missing("Route Pattern"))?;
            set_flag(ask, "blockEnable", &mut found.blocked)?;
            set_text(ask, "calledPartyTransformationMask", &mut found.mask);
            Ok(found.uuid())
        }
        "updateSipRoutePattern" => {
            let found =
                cluster.sip_route_patterns.iter_mut().find(|p| is(ask, &p.uuid(), &p.pattern, p.partition.as_deref()));
            let found = found.ok_or_else(|| missing("SIP Route Pattern"))?;
            set_flag(ask, "blockEnable", &mut found.blocked)?;
            Ok(found.uuid())
        }
        "updateTransPattern" => {
            let found = cluster
                .translation_patterns
                .iter_mut()
                .find(|p| is(ask, &p.uuid(), &p.pattern, p.partition.as_deref()));
            let found = found.ok_or_else(|| missing("Translation Pattern"))?;
            set_flag(ask, "blockEnable", &mut found.blocked)?;
            set_text(ask, "calledPartyTransformationMask", &mut found.mask);
            set_text(ask, "callingSearchSpaceName", &mut found.css);
            known(found.css.as_ref(), &spaces)?;
            Ok(found.uuid())
        }
        "updateCss" => {
            let found = cluster.calling_search_spaces.iter_mut().find(|c| named(ask, "Css", &c.name));
            let found = found.ok_or_else(|| missing("Calling Search Space"))?;
            if let Some(members) = ask.child("members") {
                let index = |m: &Node| m.text_of("index").and_then(|i| i.parse::<u32>().ok()).unwrap_or(0);
                let mut ordered: Vec<&Node> = members.children.iter().collect();
                ordered.sort_by_key(|member| index(member));
                found.members =
                    ordered.iter().filter_map(|m| m.text_of("routePartitionName")).map(str::to_owned).collect();
                for member in &found.members {
                    known(Some(member), &partitions)?;
                }
            }
            Ok(uuid("Css", &found.name))
        }
        _ => {
            let found = cluster.partitions.iter_mut().find(|p| named(ask, "RoutePartition", &p.name));
            let found = found.ok_or_else(|| missing("Route Partition"))?;
            set_text(ask, "timeScheduleIdName", &mut found.schedule);
            known(found.schedule.as_ref(), &schedules)?;
            Ok(uuid("RoutePartition", &found.name))
        }
    }
}

fn set_flag(ask: &Node, tag: &str, flag: &mut bool) -> Result<(), Fault> {
    if let Some(node) = ask.child(tag) {
        *flag = match node.text.trim() {
            "true" | "t" | "1" => true,
            "false" | "f" | "0" => false,
            other => return Err(Fault(-1, format!("“{other}” is no boolean"))),
        };
    }
    Ok(())
}

fn set_text(ask: &Node, tag: &str, text: &mut Option<String>) {
    if let Some(node) = ask.child(tag) {
        let value = node.text.trim();
        *text = (!node.nil && !value.is_empty()).then(|| value.to_owned());
    }
}

fn known(name: Option<&String>, names: &[String]) -> Result<(), Fault> {
    match name {
        Some(name) if !names.contains(name) => {
            Err(Fault(-691, format!("Missing key in referenced table for referential constraint: {name}")))
        }
        _ => Ok(()),
    }
}
