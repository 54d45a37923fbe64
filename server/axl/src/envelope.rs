//! Hand-built SOAP 1.1 envelopes. Only the operation is in AXL's namespace, its children in none
//! (the schema is "unqualified"), so the namespace gets a prefix and is never the default.

use crate::version::Version;
use quick_xml::escape::escape;
use std::fmt::Write;

/// One operation with its children, in the order of the schema.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) operation: &'static str,
    pub(crate) writes: bool,
    body: String,
}

/// Asked for as flags: an empty one is none by the schema.
const FLAGS: [&str; 7] = [
    "routeNextHopByCgpn",
    "blockEnable",
    "patternUrgency",
    "useOriginatorCss",
    "dontWaitForIDTOnSubsequentHops",
    "isEmergencyServiceNumber",
    "useOriginatingDeviceTimeZone",
];

impl Request {
    pub(crate) fn read(operation: &'static str) -> Self {
        Self { operation, writes: false, body: String::new() }
    }

    pub(crate) fn write(operation: &'static str, uuid: &str) -> Self {
        let braced = format!("{{{}}}", uuid.trim_matches(['{', '}']));
        Self { operation, writes: true, body: String::new() }.text("uuid", &braced)
    }

    /// `<name>text</name>`, escaped. Never called with an empty text: AXL reads that as null.
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        let _ = write!(self.body, "<{name}>{}</{name}>", escape(visible(text)));
        self
    }

    pub(crate) fn flag(self, name: &str, value: bool) -> Self {
        self.text(name, if value { "true" } else { "false" })
    }

    /// The text, or an explicit null.
    pub(crate) fn text_or_nil(mut self, name: &str, text: Option<&str>) -> Self {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            return self.text(name, text);
        }
        let _ = write!(self.body, r#"<{name} xsi:nil="true"/>"#);
        self
    }

    /// `<name>…</name>` around what `inner` adds.
    pub(crate) fn group(mut self, name: &str, inner: impl FnOnce(Self) -> Self) -> Self {
        let _ = write!(self.body, "<{name}>");
        self = inner(self);
        let _ = write!(self.body, "</{name}>");
        self
    }

    pub(crate) fn search(self, field: &str, value: &str) -> Self {
        self.group("searchCriteria", |request| request.text(field, value))
    }

    /// Asks for these elements. A flag needs a value to satisfy the schema; servers ignore it.
    pub(crate) fn returned(self, tags: &[&str]) -> Self {
        self.group("returnedTags", |request| request.tags(tags))
    }

    /// These elements, without what they hold.
    pub(crate) fn tags(self, tags: &[&str]) -> Self {
        tags.iter().fold(self, |mut request, tag| {
            let flag = FLAGS.contains(tag);
            let _ = if flag { write!(request.body, "<{tag}>false</{tag}>") } else { write!(request.body, "<{tag}/>") };
            request
        })
    }

    pub(crate) fn raw(mut self, xml: &str) -> Self {
        self.body.push_str(xml);
        self
    }

    pub(crate) fn envelope(&self, version: Version) -> String {
        let Self { operation, body, .. } = self;
        let namespace = version.namespace();
        format!(
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?>"#,
                r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" "#,
                r#"xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:ns="{namespace}">"#,
                "<soapenv:Header/><soapenv:Body><ns:{operation}>{body}</ns:{operation}></soapenv:Body></soapenv:Envelope>"
            ),
            namespace = namespace,
            operation = operation,
            body = body,
        )
    }
}

/// Without the control characters that XML 1.0 cannot carry at all.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect()
}
