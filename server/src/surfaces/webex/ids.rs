//! Ids of the cloud: opaque, but that the same thing has an id in several spellings.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What two spellings of one id have in common: the UUID, in lower case. What is no id of that kind is itself.
pub fn key(id: &str) -> String {
    let bare = id.trim_end_matches('=');
    let decoded = URL_SAFE_NO_PAD.decode(bare).or_else(|_| STANDARD_NO_PAD.decode(bare)).ok();
    let whole =
        decoded.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| text.starts_with("ciscospark://"));
    match whole.as_deref().and_then(|text| text.rsplit('/').next()) {
        Some(uuid) => uuid.to_ascii_lowercase(),
        None => id.to_ascii_lowercase(),
    }
}

/// The id the API has for an activity of the commercial cluster, where nothing better is known.
pub fn of(kind: &str, uuid: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("ciscospark://us/{kind}/{uuid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_id_have_one_key() {
        let id = of("MESSAGE", "0A1B2C3D-0000-4000-8000-000000000001");
        assert_eq!(key(&id), "0a1b2c3d-0000-4000-8000-000000000001");
        assert_eq!(key(&format!("{id}==")), key(&id));
        assert_eq!(key("0a1b2c3d-0000-4000-8000-000000000001"), key(&id));
        assert_eq!(key("anything else"), "anything else");
    }
}
