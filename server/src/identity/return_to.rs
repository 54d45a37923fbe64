//! Where a sign-in goes back to: a page of ours, whatever somebody put into the link.

/// The path if it is one of our own, else `/console`.
pub fn safe(asked: Option<&str>) -> String {
    let ours = |path: &&str| {
        path.starts_with('/')
            && !path[1..].starts_with(['/', '\\'])
            && !path.chars().any(|c| c.is_control() || c == '\\')
            // The window of a gadget's sign-in, and not the link that opens it.
            && (*path == "/auth/handoff"
                || ["/console", "/timeline", "/admin/", "/sign-in", "/requests", "/readiness", "/me"]
                    .iter()
                    .any(|known| path.starts_with(known)))
    };
    asked.filter(ours).unwrap_or("/console").to_owned()
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn only_our_own_pages_are_returned_to() {
        for bad in
            ["//evil.example", "/\\evil", "https://evil", "", "/auth/logout", "/console\r\nx", "/\t/evil", "evil"]
        {
            assert_eq!(safe(Some(bad)), "/console", "{bad:?}");
        }
        assert_eq!(safe(Some("/console?site=south")), "/console?site=south");
        assert_eq!(safe(Some("/admin/people")), "/admin/people");
        assert_eq!(safe(Some("/me")), "/me");
        assert_eq!(safe(Some("/auth/handoff")), "/auth/handoff");
        assert_eq!(safe(Some("/auth/handoff/login?h=x")), "/console");
    }
}
