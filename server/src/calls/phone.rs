//! From what somebody typed to a number the EOC can dial.

use lockdown::call_request::Phone;
use phonenumber::Mode;
use phonenumber::country::Id;

/// Longer is no number. Characters.
const LONGEST: usize = 40;

/// Shorter is none either. An extension has three digits at least nearly everywhere; two is our own choice.
const FEWEST_DIGITS: usize = 2;

/// As it was typed, and in E.164 where it is valid when dialled from `country`. An extension is kept as it
/// is. `None`: nobody can be called back at that.
pub fn phone(typed: &str, country: Id) -> Option<Phone> {
    let typed = typed.trim();
    let is_dialled = |letter: char| letter.is_ascii_digit() || " +*#().-/".contains(letter);
    let number = typed.to_lowercase();
    let (main, extension) = number.split_once('x').map_or((number.as_str(), ""), |(main, x)| (main, x));
    let main = main.strip_suffix("e").unwrap_or(main);
    let digits = main.chars().filter(char::is_ascii_digit).count();
    let fits = typed.chars().count() <= LONGEST
        && digits >= FEWEST_DIGITS
        && main.chars().all(is_dialled)
        && extension.chars().all(|letter| letter.is_ascii_digit() || " t.".contains(letter));
    fits.then(|| Phone { typed: typed.to_owned(), e164: e164(main, country) })
}

fn e164(typed: &str, country: Id) -> Option<String> {
    let number = phonenumber::parse(Some(country), typed).ok()?;
    number.is_valid().then(|| number.format().mode(Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_they_are_dialled_in_the_country() {
        for (typed, country, e164) in [
            ("780-555-0199", Id::CA, Some("+17805550199")),
            ("(780) 555 0199", Id::CA, Some("+17805550199")),
            ("+44 20 7946 0018", Id::CA, Some("+442079460018")),
            ("030 123456", Id::DE, Some("+4930123456")),
            ("4711", Id::CA, None),
            ("780-555-0199 ext. 12", Id::CA, Some("+17805550199")),
        ] {
            assert_eq!(
                phone(typed, country),
                Some(Phone { typed: typed.into(), e164: e164.map(str::to_owned) }),
                "{typed}"
            );
        }
    }

    #[test]
    fn what_nobody_can_be_called_back_at_is_no_number() {
        for bad in ["", "1", "call me", "=HYPERLINK(1)", "<b>4711</b>", &"1".repeat(41), "+-()", "４７１１"] {
            assert_eq!(phone(bad, Id::CA), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_kept_or_refused_and_never_changed(typed in ".{0,60}") {
            if let Some(phone) = phone(&typed, Id::CA) {
                prop_assert_eq!(&phone.typed, typed.trim());
                prop_assert!(phone.e164.is_none_or(|number| number.starts_with('+') && number.len() <= 16));
            }
        }
    }
}
