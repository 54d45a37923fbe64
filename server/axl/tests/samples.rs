//! Recorded and documented answers of real servers, where they lie beside this checkout.

use std::path::PathBuf;

fn samples() -> Option<PathBuf> {
    // Where the test runs, not where it was compiled: two checkouts may share what was compiled.
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let folder = package.join("../../../shared/axl/samples");
    folder.is_dir().then_some(folder)
}

#[test]
fn every_recorded_message_is_read_or_refused_as_html() {
    let Some(folder) = samples() else {
        eprintln!("no recorded messages beside this checkout: nothing to compare with");
        return;
    };
    let mut read = 0;
    for part in ["requests", "responses"] {
        for entry in std::fs::read_dir(folder.join(part)).expect("the samples can be listed") {
            let path = entry.expect("a sample").path();
            let bytes = std::fs::read(&path).expect("a sample can be read");
            if path.extension().is_some_and(|extension| extension == "xml") {
                let root = axl::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert_eq!(root.name, "Envelope", "{}", path.display());
                assert!(root.child("Body").is_some_and(|body| body.children.len() == 1), "{}", path.display());
                read += 1;
            }
        }
    }
    assert!(read > 30, "only {read} samples");
}

#[test]
fn a_recorded_calling_search_space_keeps_its_order() {
    let Some(folder) = samples() else { return };
    let bytes = std::fs::read(folder.join("responses/composed_getCss.xml")).expect("the sample is there");
    let root = axl::parse(&bytes).expect("it is XML");
    let members: Vec<_> = root.find("members").expect("members").children_named("member").collect();
    assert!(!members.is_empty() && members.iter().all(|m| m.text_of("index").is_some()));
}
