//! Who could give the all-clear, tonight.

use super::finding::Finding;
use crate::store::records::Person;
use lockdown::ids::SiteId;

/// Who may give the all-clear at a site, and how many of them get in while the identity provider is away. `needed`: how
/// many must give it.
pub fn seniors(people: &[Person], site: &SiteId, needed: usize) -> Finding {
    let what = "seniors";
    let all: Vec<&Person> = people.iter().filter(|person| person.is_senior(site)).collect();
    let prepared = all.iter().filter(|senior| !senior.passkeys.is_empty() || !senior.codes.is_empty()).count();
    let found = format!("{} of them, {prepared} with a passkey or sealed codes", all.len());
    let name = "Give somebody the role, under People.";
    // A lock would work all the same, and where one is enough a key may hold the right.
    if all.is_empty() && needed == 1 {
        return Finding::warning(what, "nobody could give the all-clear", name).at(site);
    }
    if all.len() < needed {
        return Finding::bad(what, format!("{} of them, and {needed} must give the all-clear", all.len()), name)
            .at(site);
    }
    if all.len() == needed {
        return Finding::warning(what, found, "If one is ill, nobody can give the all-clear: name another one.")
            .at(site);
    }
    if prepared < 2 {
        let fix = "While the internet is away the provider lets nobody in: let two seniors add a passkey (under their name), or print sealed codes.";
        return Finding::warning(what, found, fix).at(site);
    }
    Finding::good(what, found).at(site)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::services::people::profile;
    use jiff::Timestamp;
    use lockdown::operator::{Grants, Role};

    #[test]
    fn a_senior_of_another_site_is_none_here_and_two_must_be_two() {
        let site = |id: &str| SiteId::try_from(id).unwrap();
        let at = |id: &str| Grants { everywhere: [].into(), at: [(site(id), [Role::SeniorEoc].into())].into() };
        let person = |grants| profile("P", None, vec![], grants, Timestamp::UNIX_EPOCH).unwrap();
        let north: Vec<Person> = (0..3).map(|_| person(at("north"))).collect();
        assert_eq!(seniors(&north, &site("south"), 1).found, "nobody could give the all-clear");
        assert_eq!(seniors(&north[..1], &site("north"), 2).verdict, Verdict::Bad);
        assert!(seniors(&north[..2], &site("north"), 2).fix.unwrap().contains("If one is ill"));
        assert!(seniors(&north, &site("north"), 2).fix.unwrap().contains("passkey"));
        let gone = Person { disabled: true, ..person([Role::SeniorEoc].into()) };
        assert_eq!(seniors(&[gone], &site("north"), 1).found, "nobody could give the all-clear");
    }
}
