//! From what somebody typed to a number the EOC can dial.

use lockdown::call_request::Phone;
use lockdown::text::plain;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// Longer is no number. Characters.
const LONGEST: usize = 60;

/// Shorter is none either. An extension has three digits at least nearly everywhere; two is our own choice.
const FEWEST_DIGITS: usize = 2;

/// How people write that an extension follows, the longer ones first.
const EXTENSION: [&str; 7] = ["extension", "extensi\u{f3}n", "poste", "ext.", "ext", "x.", "x"];

/// As it was typed, and in E.164 where it is valid when dialled from `country`. Digits are read in every script, and
/// whatever a page or a telephone put around them is left out. `None`: nobody can be called back at that.
pub fn phone(typed: &str, country: Region) -> Option<Phone> {
    let typed = plain(typed);
    if typed.chars().count() > LONGEST {
        return None;
    }
    let read = in_ascii(&typed).to_lowercase();
    let read = ["tel:", "sip:", "sips:"].iter().find_map(|scheme| read.strip_prefix(scheme)).unwrap_or(&read);
    let (address, parameters) = read.split_once(';').unwrap_or((read, ""));
    // `4711@10.9.0.12`: the number is what stands before the host.
    let address = address.split('@').next().unwrap_or_default();
    let (main, extension) = apart(address);
    let extension = match extension {
        None => parameters.split(';').find_map(|parameter| parameter.strip_prefix("ext=")),
        written => written,
    };
    let is_dialled = |letter: char| letter.is_ascii_digit() || " +*#().-/".contains(letter);
    let digits = main.chars().filter(char::is_ascii_digit).count();
    let is_extension =
        |text: &str| !text.is_empty() && text.len() <= 11 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits < FEWEST_DIGITS || !main.chars().all(is_dialled) || !extension.is_none_or(is_extension) {
        return None;
    }
    let e164 = e164(main, country);
    let extension = extension.map(str::to_owned);
    let main = (e164.is_none() && extension.is_none() && main != typed).then(|| main.to_owned());
    Some(Phone { e164, extension, main, typed })
}

/// A number and the extension that is written behind it.
fn apart(text: &str) -> (&str, Option<&str>) {
    let found = EXTENSION.iter().find_map(|word| text.split_once(word));
    match found {
        None => (text.trim(), None),
        Some((main, extension)) => {
            (main.trim_end_matches([' ', ',', '.']), Some(extension.trim_matches([' ', '.', ':', '='])))
        }
    }
}

/// Digits of every script as the ten that telephones have, and all hyphens as one.
fn in_ascii(text: &str) -> String {
    let ascii = |letter: char| match letter {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => "-".to_owned(),
        '\u{ff0b}' => "+".to_owned(),
        letter if letter.is_numeric() && !letter.is_ascii() => {
            PHONE_NUMBER_UTIL.normalize_digits_only(letter.to_string())
        }
        letter => letter.to_string(),
    };
    text.chars().map(ascii).collect()
}

fn e164(main: &str, country: Region) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(main, Some(country)).ok()?;
    let valid = PHONE_NUMBER_UTIL.is_valid_number(&number);
    valid.then(|| PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(typed: &str, country: Region) -> Option<(Option<String>, Option<String>)> {
        phone(typed, country).map(|phone| (phone.e164, phone.extension))
    }

    #[test]
    fn numbers_are_read_as_they_are_dialled_in_the_country() {
        for (typed, country, e164) in [
            ("780-555-0199", Region::CA, Some("+17805550199")),
            ("(780) 555 0199", Region::CA, Some("+17805550199")),
            ("+44 20 7946 0018", Region::CA, Some("+442079460018")),
            ("030 123456", Region::DE, Some("+4930123456")),
            ("4711", Region::CA, None),
            // Another country's number is read by that country's rules.
            ("+49 171 2345678", Region::CA, Some("+491712345678")),
            ("+49 151 23456789", Region::CA, Some("+4915123456789")),
            ("011 49 171 2345678", Region::CA, Some("+491712345678")),
            ("+33 1 42 68 53 00", Region::CA, Some("+33142685300")),
            ("+39 06 1234567", Region::CA, Some("+39061234567")),
            ("00 1 780 555 0199", Region::DE, Some("+17805550199")),
            // However its groups are written.
            ("+1780-555-0199", Region::CA, Some("+17805550199")),
            ("+17805550199", Region::CA, Some("+17805550199")),
            // As a page, a contact or a telephone writes it.
            ("\u{202a}+1 780 555 0199\u{202c}", Region::CA, Some("+17805550199")),
            ("780\u{a0}555\u{a0}0199", Region::CA, Some("+17805550199")),
            ("780\u{2011}555\u{2011}0199", Region::CA, Some("+17805550199")),
            ("780\u{2013}555\u{2013}0199", Region::CA, Some("+17805550199")),
            ("tel:+17805550199", Region::CA, Some("+17805550199")),
            ("+13067890000;rn=303357;oli=00", Region::CA, Some("+13067890000")),
            ("4711@10.9.0.12", Region::CA, None),
            ("\u{667}\u{668}\u{660}5550199", Region::CA, Some("+17805550199")),
            ("\u{ff14}\u{ff17}\u{ff11}\u{ff11}", Region::CA, None),
        ] {
            assert_eq!(read(typed, country), Some((e164.map(str::to_owned), None)), "{typed}");
        }
    }

    #[test]
    fn an_extension_is_kept_however_it_is_written() {
        for typed in [
            "780-555-0199 ext. 12",
            "780 555 0199 extension 12",
            "780 555 0199 x12",
            "780-555-0199x.12",
            "780 555 0199, ext 12",
            "780 555 0199 poste 12",
            "+17805550199;ext=12",
            "tel:+17805550199;ext=12",
        ] {
            assert_eq!(read(typed, Region::CA), Some((Some("+17805550199".into()), Some("12".into()))), "{typed}");
        }
    }

    #[test]
    fn what_is_dialled_has_keys_on_every_telephone() {
        let of = |typed: &str| phone(typed, Region::CA).unwrap();
        for typed in ["4711", "\u{664}\u{667}\u{661}\u{661}", "4711@10.9.0.12", "sip:4711@10.9.0.12"] {
            assert_eq!(of(typed).dialled(), "4711", "{typed}");
            assert_eq!(of(typed).key(), of("4711").key(), "{typed}");
        }
        assert_ne!(of("\u{664}\u{667}\u{661}\u{662}").key(), of("4711").key());
        assert_eq!(of("4711").main, None);
    }

    #[test]
    fn what_nobody_can_be_called_back_at_is_no_number() {
        let long = "1".repeat(LONGEST + 1);
        for bad in
            ["", "1", "call me", "=HYPERLINK(1)", "<b>4711</b>", &long, "+-()", "780 555 0199 ext.", "x12", "@4711"]
        {
            assert_eq!(phone(bad, Region::CA), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_kept_or_refused_and_never_changed(typed in ".{0,60}") {
            if let Some(phone) = phone(&typed, Region::CA) {
                prop_assert_eq!(&phone.typed, &plain(&typed));
                prop_assert!(phone.e164.is_none_or(|number| number.starts_with('+') && number.len() <= 16));
            }
        }

        /// The same number, grouped and decorated in another way, is the same number.
        #[test]
        fn grouping_changes_nothing(digits in "[2-9][0-9]{2}[2-9][0-9]{6}", gap in "[ \u{a0}.\u{2011}-]") {
            let bare = phone(&digits, Region::CA).unwrap().e164;
            let grouped = format!("\u{202a}({}){gap}{}{gap}{}\u{202c}", &digits[..3], &digits[3..6], &digits[6..]);
            prop_assert_eq!(phone(&grouped, Region::CA).unwrap().e164, bare);
        }
    }
}
