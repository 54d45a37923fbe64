//! What the guard found, as a telecom engineer would say it.

use crate::caller::{Caller, CallerKind};
use crate::dial_plan::{EndpointKind, place};
use crate::local_routes::LocalRoutes;
use crate::reach::{End, Route};

/// Patterns or callers that one sentence names; more would be no sentence.
pub(super) const NAMED: usize = 5;

/// Where a call goes.
pub fn in_words(route: &Route) -> String {
    let end = match &route.end {
        End::Pstn { digits, .. } => format!("to the PSTN as {digits}"),
        End::Inside { pattern, partition, kind: EndpointKind::Feature(feature) } => {
            format!("to {} ({})", place(pattern, partition.as_deref()), feature.in_words())
        }
        End::Inside { pattern, partition, .. } | End::OnNet { pattern, partition, .. } => {
            format!("to {}", place(pattern, partition.as_deref()))
        }
        End::Blocked { .. } => "blocked".into(),
        End::NoRoute => "no route".into(),
        End::Loop => "in circles".into(),
        End::NotUnderstood { what, .. } => format!("not understood: {what}"),
    };
    let is_answered = matches!(route.end, End::Pstn { .. } | End::Inside { .. } | End::OnNet { .. });
    let end = if route.waits && is_answered { format!("{end} (after the inter-digit timer)") } else { end };
    if route.path.is_empty() { end } else { format!("{end} by {}", route.path.join(" → ")) }
}

/// `412 phones (line CSS-L, device CSS-D)`.
pub fn caller_in_words(caller: &Caller) -> String {
    let line = caller.line_css.as_deref();
    let device = caller.device_css.as_deref();
    if caller.kind == CallerKind::Css {
        return device.unwrap_or("<None>").to_owned();
    }
    let name = caller.kind.in_words(caller.count);
    let spaces = match (line, device) {
        (None, None) => "no calling search space".to_owned(),
        (Some(line), None) => format!("line {line}"),
        (None, Some(device)) => format!("device {device}"),
        (Some(line), Some(device)) => format!("line {line}, device {device}"),
    };
    let digits = match (caller.incoming.significant, caller.incoming.prefix.as_str()) {
        (None, "") => String::new(),
        (Some(kept), "") => format!(", last {kept} digits"),
        (None, prefix) => format!(", {prefix} before the digits"),
        (Some(kept), prefix) => format!(", {prefix} and the last {kept} digits"),
    };
    let pools = pools_in_words(&caller.local).map_or_else(String::new, |pools| format!(", {pools}"));
    format!("{} {name} ({spaces}{digits}{pools})", caller.count)
}

/// `device pools A, B and 3 more`; `None` where the pool makes no difference.
pub(super) fn pools_in_words(local: &LocalRoutes) -> Option<String> {
    let named: Vec<&str> = local.pools.iter().take(NAMED).map(String::as_str).collect();
    let pools = if local.pools.len() == 1 { "device pool" } else { "device pools" };
    match local.pools.len() - named.len() {
        _ if named.is_empty() => None,
        0 => Some(format!("{pools} {}", named.join(", "))),
        more => Some(format!("{pools} {} and {more} more", named.join(", "))),
    }
}

/// The first few, and how many more.
pub(super) fn callers_in_words(callers: &[&Caller]) -> String {
    let mut names: Vec<String> = callers.iter().take(NAMED).map(|caller| caller_in_words(caller)).collect();
    let rest = &callers[names.len()..];
    if !rest.is_empty() {
        let devices: usize = rest.iter().map(|caller| caller.count).sum();
        names.push(format!("{} more kinds of caller with {devices} devices", rest.len()));
    }
    names.join(", ")
}

/// `Patterns that cannot be read: 3 (a, b, c). Nothing is claimed …`
pub(super) fn counted(mut found: Vec<String>, what: &str, then: &str) -> Option<String> {
    let count = found.len();
    found.sort();
    found.dedup();
    found.truncate(NAMED);
    (count > 0).then(|| format!("{what}: {count} ({}). {then}.", found.join(", ")))
}
