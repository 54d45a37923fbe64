//! Who could order, and who could give the all-clear, tonight.

use super::finding::Finding;
use crate::store::records::Person;
use lockdown::operator::Role;

/// Seniors, and how many of them get in while the identity provider is away.
pub fn seniors(people: &[Person]) -> Finding {
    let what = "seniors";
    let all: Vec<&Person> = people.iter().filter(|person| is_senior(person)).collect();
    let prepared = all.iter().filter(|senior| !senior.passkeys.is_empty() || !senior.codes.is_empty()).count();
    let found = format!("{} of them, {prepared} with a passkey or sealed codes", all.len());
    match (all.len(), prepared) {
        // A lock would work all the same; keys may hold the right too.
        (0, _) => Finding::warning(what, "nobody could give the all-clear", "Give somebody the role, under People."),
        (1, _) => Finding::warning(what, found, "One is ill, and nobody gives the all-clear: name a second one."),
        (_, 0 | 1) => Finding::warning(
            what,
            found,
            "While the internet is away the provider lets nobody in: let two seniors add a passkey (under their name), or print sealed codes.",
        ),
        _ => Finding::good(what, found),
    }
}

fn is_senior(person: &Person) -> bool {
    !person.disabled && person.grants().all().contains(&Role::SeniorEoc)
}
