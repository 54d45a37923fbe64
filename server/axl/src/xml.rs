//! AXL answers as a small tree: local names only, bounded in size and depth, no DTD, no entities.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Deeper than any AXL answer; a guard against hostile nesting.
const MAX_DEPTH: usize = 64;

/// AXL caps an answer at 8 MB; a list row of ours has about a dozen elements, so this is some
/// 40,000 rows, and keeps the tree below about 100 MB.
const MAX_ELEMENTS: usize = 500_000;

/// One element: what AXL needs of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub uuid: Option<String>,
    pub kind: Option<String>,
    pub queue_id: Option<String>,
    /// `xsi:nil="true"`.
    pub nil: bool,
    pub text: String,
    pub children: Vec<Element>,
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidXml(pub String);

impl Element {
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element of that name, anywhere below.
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    /// Absent, empty and `xsi:nil` all mean none: real servers send all three.
    pub fn value(&self) -> Option<String> {
        let text = self.text.trim();
        (!self.nil && !text.is_empty()).then(|| text.to_owned())
    }

    pub fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).and_then(Self::value)
    }

    /// `true`, `t` and `1`, in any case; anything else is no.
    pub fn flag(&self, name: &str) -> bool {
        self.text_of(name).is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "t" | "1"))
    }
}

/// Reads a document.
///
/// # Errors
/// [`InvalidXml`] for anything that is not one well-formed element tree within the bounds, and for
/// every document type declaration and every entity that is not one of XML's own five.
pub fn parse(bytes: &[u8]) -> Result<Element, InvalidXml> {
    // One description with a letter that no XML may hold does not make all other rows unreadable: it is read with a mark in
    // its place, and whatever stands there is unreadable by itself.
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(&text);
    let mut builder = Builder::default();
    loop {
        match reader.read_event().map_err(|error| InvalidXml(error.to_string()))? {
            Event::Start(start) => builder.open(&start)?,
            Event::Empty(start) => {
                builder.open(&start)?;
                builder.close()?;
            }
            Event::End(_) => builder.close()?,
            Event::Text(text) => builder.text(&text.xml10_content())?,
            Event::CData(text) => builder.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Err(_) if reference.starts_with('#') => Some(char::REPLACEMENT_CHARACTER),
                    resolved => resolved.map_err(|error| InvalidXml(error.to_string()))?,
                };
                let character =
                    character.map(|letter| if may_stand(letter) { letter } else { char::REPLACEMENT_CHARACTER });
                match (character, quick_xml::escape::resolve_predefined_entity(&reference)) {
                    (Some(character), _) => builder.text(character.encode_utf8(&mut [0; 4]))?,
                    (None, Some(text)) => builder.text(text)?,
                    (None, None) => return Err(InvalidXml("an entity of its own".into())),
                }
            }
            Event::DocType(_) => return Err(InvalidXml("a document type declaration".into())),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return builder.finish(),
        }
    }
}

/// *Source*: XML 1.0, production 2 (Char), as far as controls go.
fn may_stand(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r') || !letter.is_control()
}

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Builder {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), InvalidXml> {
        self.elements += 1;
        if self.open.len() >= MAX_DEPTH || self.elements > MAX_ELEMENTS {
            return Err(InvalidXml("more elements than any answer has".into()));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(InvalidXml("a second root element".into()));
        }
        self.open.push(element(start)?);
        Ok(())
    }

    fn close(&mut self) -> Result<(), InvalidXml> {
        let done = self.open.pop().ok_or_else(|| InvalidXml("an end without a start".into()))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => self.root = Some(done),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), InvalidXml> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(InvalidXml("text outside the root element".into())),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, InvalidXml> {
        match (self.open.is_empty(), self.root) {
            (true, Some(root)) => Ok(root),
            _ => Err(InvalidXml("it is cut off".into())),
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, InvalidXml> {
    let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| InvalidXml(error.to_string()))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| InvalidXml(error.to_string()))?;
        let some = || Some(value.trim().to_owned()).filter(|text| !text.is_empty());
        match attribute.key.local_name().as_ref() {
            "uuid" => element.uuid = some(),
            "type" => element.kind = some(),
            "queueId" => element.queue_id = some(),
            "nil" => element.nil = matches!(value.as_ref(), "true" | "1"),
            _ => {}
        }
    }
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prefixes_cdata_and_nil_do_not_matter() {
        let root = parse(br#"<?xml version='1.0'?><a:x xmlns:a="u"><b uuid="{1}"> p &amp; <![CDATA[q]]>&#65;</b><c i:nil="true">z</c><d uuid=""/></a:x>"#).unwrap();
        assert_eq!((root.name.as_str(), root.text_of("b").as_deref()), ("x", Some("p & qA")));
        assert_eq!((root.text_of("c"), root.text_of("d"), root.text_of("e")), (None, None, None));
        assert_eq!(root.child("b").unwrap().uuid.as_deref(), Some("{1}"));
        assert_eq!(root.child("d").unwrap().uuid, None);
    }

    #[test]
    fn a_letter_that_is_none_spoils_its_own_row_and_no_other() {
        let root = parse(b"<r><row><d>a&#x1;b</d></row><row><d>Ren\xe9</d></row><row><d>good</d></row></r>").unwrap();
        let all: Vec<String> = root.children_named("row").filter_map(|row| row.text_of("d")).collect();
        assert_eq!(all, ["a\u{fffd}b", "Ren\u{fffd}", "good"]);
    }

    #[test]
    fn a_dtd_an_entity_a_cut_and_a_bomb_are_refused() {
        let deep = "<a>".repeat(100_000);
        let wide = format!("<r>{}</r>", "<a/>".repeat(MAX_ELEMENTS));
        for bad in [
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<a>&x;</a>",
            "<a><b></a>",
            "<a>",
            "",
            "text",
            "<a/><b/>",
            deep.as_str(),
            wide.as_str(),
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{}", bad.chars().take(40).collect::<String>());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn near_misses_of_xml_never_panic(text in "(<[a-c:/ ?!]{0,4}|>|&[a-z#0-9]{0,4};?|\\]\\]>|<!\\[CDATA\\[|[a-z\"'=]{0,5}){0,30}") {
            let _ = parse(text.as_bytes());
        }
    }
}
