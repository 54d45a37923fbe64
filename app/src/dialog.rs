//! A call in an agent's Finesse desktop, as the frame around ours tells it: whose number to call back, which way
//! it went. Nothing of it is trusted; the agent looks at it before anything is filed.
//!
//! *Source*: Cisco Finesse developer guide, “Dialog” and “Dialog API parameters” (`callType` is an open list).

/// Numbers are cut to this: longer ones are none.
const LONGEST: usize = 40;

/// A directory number inside the site has at most so many digits.
const INSIDE: usize = 6;

/// Four fields of a dialog. `id` is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialog {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// Cisco's `callType`, which differs by product.
    pub(crate) call_type: String,
}

/// What of a call goes into a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prefill {
    /// A word of [`lockdown::call_request::Direction`]; `None`: the agent says.
    pub(crate) direction: Option<&'static str>,
    pub(crate) call_back: String,
    /// What was dialled.
    pub(crate) other: String,
    pub(crate) reference: String,
}

impl Dialog {
    /// `None` for what is no call of the agent's own: listening in, barging in.
    pub(crate) fn prefill(&self, extension: &str) -> Option<Prefill> {
        if self.call_type.starts_with("SUPERVISOR") || self.call_type.starts_with("BARGE") {
            return None;
        }
        let from = number(&self.from);
        let to = number(&self.to);
        let called_out = !extension.is_empty() && from == number(extension);
        let (call_back, other) = if called_out { (to, String::new()) } else { (from, to) };
        if call_back.is_empty() {
            return None;
        }
        let direction = match self.call_type.as_str() {
            // Somebody on site, or somebody outside: the number says it where the type cannot.
            _ if called_out => Some(way(&call_back)),
            "ACD_IN" | "PREROUTE_ACD_IN" | "PREROUTE_DIRECT_AGENT" | "OTHER_IN" | "OVERFLOW_IN" | "AGENT_INSIDE" => {
                Some(way(&call_back))
            }
            _ => None,
        };
        let reference = self.id.chars().filter(char::is_ascii_graphic).take(LONGEST).collect();
        Some(Prefill { direction, call_back, other, reference })
    }
}

/// Whoever calls from inside wants to call out; whoever calls from outside called in.
fn way(of: &str) -> &'static str {
    let inside = of.len() <= INSIDE && of.bytes().all(|byte| byte.is_ascii_digit());
    if inside { "outbound" } else { "inbound" }
}

/// What can be dialled of it: nothing for text that is no number. An address may have a scheme before the number, and
/// parameters or a host behind it.
fn number(text: &str) -> String {
    let text = text.split([';', '@']).next().unwrap_or_default();
    let kept: String = text.chars().filter(|c| c.is_ascii_digit() || "+*#".contains(*c)).take(LONGEST + 1).collect();
    if kept.len() > LONGEST { String::new() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(from: &str, to: &str, call_type: &str) -> Option<(Option<&'static str>, String, String)> {
        let dialog = Dialog { id: "16777235".into(), from: from.into(), to: to.into(), call_type: call_type.into() };
        dialog.prefill("1080").map(|prefill| (prefill.direction, prefill.call_back, prefill.other))
    }

    #[test]
    fn whose_number_is_called_back_follows_from_the_call() {
        let want = |way, back: &str, other: &str| Some((way, back.to_owned(), other.to_owned()));
        assert_eq!(call("+17805550199", "5911", "ACD_IN"), want(Some("inbound"), "+17805550199", "5911"));
        assert_eq!(call("4711", "97805550199", "ACD_IN"), want(Some("outbound"), "4711", "97805550199"));
        assert_eq!(call("1080", "97805550199", "OUT"), want(Some("inbound"), "97805550199", ""), "the agent called");
        assert_eq!(call("4711", "1080", "CONSULT"), want(None, "4711", "1080"), "the agent says which way");
        assert_eq!(call("4711", "1080", ""), want(None, "4711", "1080"));
    }

    #[test]
    fn strange_numbers_and_calls_of_others_fill_in_nothing() {
        assert_eq!(call("anonymous", "5911", "ACD_IN"), None);
        assert_eq!(call("", "", "ACD_IN"), None);
        assert_eq!(call(&"1".repeat(41), "5911", "ACD_IN"), None);
        assert_eq!(call("4711", "4712", "SUPERVISOR_MONITOR"), None);
        assert_eq!(call("4711", "4712", "BARGE_IN_CONSULT"), None);
        assert_eq!(call("+13067890000;rn=303357;oli=00", "5911", "ACD_IN").unwrap().1, "+13067890000");
        assert_eq!(call("sip:4711@10.9.0.12", "5911", "ACD_IN").unwrap().1, "4711");
        let odd = call("<b>780 555</b>-0199", "5911", "ACD_IN").unwrap();
        assert_eq!(odd.1, "7805550199", "only what can be dialled");
    }
}
