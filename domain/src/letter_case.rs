//! Capital and small letters of the scripts that payments are described in: Latin, Greek, Cyrillic and Armenian.
//!
//! The tables of the standard library know those of every script that was ever written, and would be a hundredth of the
//! Worker.

/// Capital letters that follow one another.
struct Run {
    first: u32,
    last: u32,
    /// How much further on the small letter is. Where it is the very next, each capital is followed by its own.
    to_small: u32,
}

const fn run(first: u32, last: u32, to_small: u32) -> Run {
    Run { first, last, to_small }
}

/// From the Unicode character database (<https://www.unicode.org/Public/UCD/latest/ucd/CaseFolding.txt>).
const CAPITALS: [Run; 24] = [
    // Latin, with what is written in the west of Europe.
    run(0x41, 0x5A, 32),
    run(0xC0, 0xD6, 32),
    run(0xD8, 0xDE, 32),
    // The other languages of Europe, whose letters alternate.
    run(0x100, 0x12E, 1),
    run(0x132, 0x136, 1),
    run(0x139, 0x147, 1),
    run(0x14A, 0x176, 1),
    run(0x179, 0x17D, 1),
    // Romanian and others.
    run(0x1CD, 0x1DB, 1),
    run(0x1DE, 0x1EE, 1),
    run(0x1F8, 0x21E, 1),
    run(0x222, 0x232, 1),
    // Greek.
    run(0x386, 0x386, 38),
    run(0x388, 0x38A, 37),
    run(0x38C, 0x38C, 64),
    run(0x38E, 0x38F, 63),
    run(0x391, 0x3A1, 32),
    run(0x3A3, 0x3AB, 32),
    // Cyrillic.
    run(0x400, 0x40F, 80),
    run(0x410, 0x42F, 32),
    run(0x48A, 0x4BE, 1),
    run(0x4D0, 0x52E, 1),
    // Armenian.
    run(0x531, 0x556, 48),
    // Vietnamese.
    run(0x1EA0, 0x1EFE, 1),
];

impl Run {
    /// Whether a letter is one of these capitals.
    fn has(&self, letter: u32) -> bool {
        let apart = letter.checked_sub(self.first);
        letter <= self.last && apart.is_some_and(|apart| self.to_small != 1 || apart % 2 == 0)
    }
}

/// The small letter of a capital. Whatever else it is stays as it is.
#[must_use]
pub fn small(letter: char) -> char {
    let code = u32::from(letter);
    let run = CAPITALS.iter().find(|run| run.has(code));
    run.and_then(|run| char::from_u32(code.saturating_add(run.to_small))).unwrap_or(letter)
}

/// The capital of a small letter. Whatever else it is stays as it is.
#[must_use]
pub fn capital(letter: char) -> char {
    let capital_of =
        |run: &Run| u32::from(letter).checked_sub(run.to_small).filter(|capital| run.has(*capital));
    CAPITALS.iter().find_map(capital_of).and_then(char::from_u32).unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the standard library makes of a letter, where that is one letter.
    fn one(mut letters: impl Iterator<Item = char>) -> Option<char> {
        letters.next().filter(|_| letters.next().is_none())
    }

    #[test]
    fn each_letter_that_has_another_case_has_the_one_that_unicode_says() {
        for letter in char::MIN..=char::MAX {
            let (to_small, to_capital) = (small(letter), capital(letter));
            if to_small != letter {
                assert_eq!(Some(to_small), one(letter.to_lowercase()), "{letter}");
                assert_eq!(capital(to_small), letter);
            }
            if to_capital != letter {
                assert_eq!(Some(to_capital), one(letter.to_uppercase()), "{letter}");
                assert_eq!(small(to_capital), letter);
            }
        }
    }

    #[test]
    fn the_letters_of_languages_that_payments_are_described_in_are_known() {
        let texts = [
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ",
            "ĄĆČĎĐĘĚĞĢĪĶĹĽŁŃŇŐŒŔŘŚŞŠŤŮŰŲŹŻŽȘȚ",
            "ΆΈΉΊΌΎΏΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫ",
            "ЀЁЂЃЄЅІЇЈЉЊЋЌЍЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯҐҒӘӨҮ",
            "ԱԲԳԴԵԶԷԸԹԺ",
            "ẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸ",
        ];
        for text in texts {
            // A sigma at the end of a word is another one, which this knows nothing of.
            let expected: String = text.chars().flat_map(char::to_lowercase).collect();
            assert_eq!(text.chars().map(small).collect::<String>(), expected);
            assert_eq!(expected.chars().map(capital).collect::<String>(), text);
        }
    }
}
