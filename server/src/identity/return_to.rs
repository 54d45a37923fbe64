//! Where a sign-in goes back to: a page of ours, whatever somebody put into the link.

use reqwest::Url;

/// Pages that stand by themselves.
const PAGES: [&str; 9] =
    ["/console", "/timeline", "/sign-in", "/requests", "/readiness", "/plan", "/me", "/drill", "/auth/handoff"];

/// Folders of pages.
const FOLDERS: [&str; 3] = ["/admin/", "/requests/", "/incidents"];

/// The address if it is one of our own, else `/console`. Whatever a browser would make something else of is none.
pub fn safe(asked: Option<&str>) -> String {
    asked.and_then(own).unwrap_or_else(|| "/console".to_owned())
}

fn own(asked: &str) -> Option<String> {
    let base = Url::parse("https://ours.invalid/").ok()?;
    let url = base.join(asked).ok()?;
    let path = asked.split(['?', '#']).next().unwrap_or_default();
    // As a browser reads it, it is what it looks like: no other host, no `..`, no `\\`, nothing hidden by `%`.
    let plain = url.origin() == base.origin() && url.path() == path && !path.contains(['%']) && !path.contains("//");
    let known = PAGES.contains(&path) || FOLDERS.iter().any(|folder| path.starts_with(folder));
    if !plain || !known {
        return None;
    }
    // The window of a gadget's sign-in is one address; and no refusal of ours travels in a link of somebody else's.
    let takes_query = path != "/auth/handoff" && url.query_pairs().all(|(name, _)| !name.starts_with("__"));
    let query = url.query().filter(|_| takes_query).map(|query| format!("?{query}")).unwrap_or_default();
    (path != "/auth/handoff" || url.query().is_none()).then(|| format!("{path}{query}"))
}

#[cfg(test)]
mod tests {
    use super::safe;
    use proptest::prelude::*;

    #[test]
    fn only_our_own_pages_are_returned_to() {
        for bad in [
            "//evil.example",
            "/\\evil",
            "https://evil",
            "",
            "/auth/logout",
            "/console\r\nx",
            "/\t/evil",
            "evil",
            "/console/../auth/handoff/login?h=x",
            "/console/%2e%2e/auth/handoff/login?h=x",
            "/admin/%2e./x",
            "/admin//evil.example",
            "/sign-in/..//evil",
            "/consoleX",
            "/meX",
            "/auth/handoff/login?h=x",
            "/auth/handoff?h=x",
            "/admin/\\..\\..\\auth",
        ] {
            assert_eq!(safe(Some(bad)), "/console", "{bad:?}");
        }
        for good in [
            "/console?site=south",
            "/admin/people",
            "/me",
            "/auth/handoff",
            "/requests/t/feedface",
            "/incidents/inc-1",
            "/timeline?before=4",
        ] {
            assert_eq!(safe(Some(good)), good);
        }
        assert_eq!(safe(Some("/console?__path=/ui/release&__err=x")), "/console", "nobody else's refusal is shown");
    }

    proptest! {
        /// A browser that is sent there asks us for just that path.
        #[test]
        fn whatever_is_asked_a_browser_ends_on_the_page_that_was_checked(
            asked in "(/|/console|/admin/|/me|\\\\|\\.\\.|/\\.\\./|%2e|%2F|//|\\?|#|@|:|evil|\t|\n|auth/handoff){0,8}",
        ) {
            let to = safe(Some(&asked));
            let base = reqwest::Url::parse("https://ours.example/x/y").unwrap();
            let url = base.join(&to).unwrap();
            prop_assert_eq!(url.host_str(), Some("ours.example"));
            prop_assert!(!url.path().contains("handoff/"), "{} became {}", asked, to);
            prop_assert_eq!(url.path(), to.split(['?', '#']).next().unwrap());
        }
    }
}
