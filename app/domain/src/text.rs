//! What people type, paste and are called: kept as they wrote it where it is shown, and made alike where two are compared.

use unicode_normalization::UnicodeNormalization;

/// Steers what stands around it, or is not seen at all: a name with one of these could turn the number beside it around,
/// or look like another name. The two that join letters in Persian and in Indian scripts stay.
pub fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// Without what is not seen; every run of blanks is one, and none is at either end. Line breaks are blanks, too.
pub fn plain(text: &str) -> String {
    let seen = text.chars().filter(|letter| !is_invisible(*letter));
    let seen: String = seen.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same for two texts that people take for the same: however accents are composed, whatever quotes and hyphens a
/// keyboard makes, capitals or not. What was folded stays as it is when it is folded again.
pub fn folded(text: &str) -> String {
    let composed = straight(&plain(text)).nfkc().flat_map(char::to_lowercase).nfkc().collect::<String>();
    // Composing replaces signs, too: a cedilla by itself becomes a blank and a mark, a non-breaking hyphen another hyphen.
    plain(&straight(&composed))
}

fn straight(text: &str) -> String {
    let keyed = |letter| match letter {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{02bc}' | '\u{00b4}' | '`' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{00ab}' | '\u{00bb}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        other => other,
    };
    text.chars().map(keyed).collect()
}

/// Is it the name that was asked for?
pub fn is_same_name(typed: &str, name: &str) -> bool {
    !folded(name).is_empty() && folded(typed) == folded(name)
}

/// The digits of a number, however they are grouped. Two keys are alike where the numbers are.
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// What to look for in a text that was [`folded`] and has each number's [`digits`] besides: any of these. `780 555 0199` is
/// one number, whatever stands between its groups. Of a longer question the first [`LONGEST_QUESTION`] characters count.
pub fn sought(find: &str) -> Vec<String> {
    let find: String = folded(find).chars().take(LONGEST_QUESTION).collect();
    let number = digits(&find);
    let only_number = find.chars().all(|letter| letter.is_ascii_digit() || BETWEEN_GROUPS.contains(letter));
    let number = (only_number && number.len() > 1 && number != find).then_some(number);
    std::iter::once(find).chain(number).filter(|text| !text.is_empty()).collect()
}

/// As long as the longest text that is kept. MongoDB takes no regular expression of more than 32,764 bytes.
const LONGEST_QUESTION: usize = 1_000;

/// What people write between the groups of a number.
const BETWEEN_GROUPS: &str = " +-().:/";

/// The numbers that stand in a text, by their [`digits`]. One has three of them at least.
pub fn numbers_in(text: &str) -> impl Iterator<Item = String> {
    let of_none = |letter: char| !letter.is_ascii_digit() && !BETWEEN_GROUPS.contains(letter);
    text.split(of_none).map(digits).filter(|number| number.len() > 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_take_for_the_same_name_is_the_same() {
        for (typed, name) in [
            ("St. John\u{2019}s", "St. John's"),
            ("Acme North", "Acme North "),
            ("Acme North", "Acme  North"),
            ("Acme\u{a0}North", "Acme North"),
            ("acme north", "ACME NORTH"),
            ("Sa\u{303}o Paulo", "S\u{e3}o Paulo"),
            ("Acme\u{2010}North", "Acme-North"),
            ("\u{200b}Acme North\u{200e}", "Acme North"),
            ("STRASSE", "strasse"),
            ("St. John\u{b4}s", "St. John's"),
            ("Acme\u{2011}North", "Acme-North"),
            ("\u{b8}Acme North", " \u{327}acme north"),
        ] {
            assert!(is_same_name(typed, name), "{typed:?} and {name:?}");
        }
        for (typed, name) in [("Acme", "Acme North"), ("", ""), ("", "\u{200b}"), ("AcmeNorth", "Acme North")] {
            assert!(!is_same_name(typed, name), "{typed:?} and {name:?}");
        }
    }

    #[test]
    fn a_number_is_sought_however_it_is_grouped() {
        for find in ["780 555 0199", "(780) 555-0199", "780-555-0199", "780\u{a0}555\u{a0}0199"] {
            assert_eq!(sought(find).last().unwrap(), "7805550199", "{find}");
        }
        assert_eq!(sought("+1 780"), ["+1 780", "1780"]);
        assert_eq!(sought("4711"), ["4711"]);
        assert_eq!(sought("R-104"), ["r-104"]);
        assert_eq!(sought("Rene\u{301}"), ["ren\u{e9}"]);
        assert!(sought(" \u{200b}").is_empty());
        assert_eq!(sought(&"x".repeat(40_000))[0].len(), LONGEST_QUESTION);
        let numbers: Vec<String> = numbers_in("my mother, 780-555-0142, at 9, line 4711").collect();
        assert_eq!(numbers, ["7805550142", "4711"]);
    }

    #[test]
    fn every_letter_is_folded_once_wherever_it_stands() {
        // The planes beyond hold nothing that is written another way.
        for letter in '\0'..='\u{2ffff}' {
            let once = folded(&format!("{letter} e{letter}e {letter}\u{301}{letter}"));
            assert_eq!(folded(&once), once, "{letter:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once.clone());
            prop_assert!(!once.chars().any(is_invisible));
        }
    }
}
