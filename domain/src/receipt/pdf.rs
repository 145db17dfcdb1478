//! A receipt on paper: a PDF in fonts that every reader has, whose text can be searched and copied.
//!
//! Those fonts show Western European letters (`WinAnsiEncoding`); any other becomes a question mark here,
//! and stands as it is on the page.
//!
//! Positions are whole points, written as integers: what writes other numbers weighs as much as the rest.

use pdf_writer::{Content, Finish, Name, Pdf, Ref, Str, TextStr};

use super::Receipt;

// A4, in points.
const WIDTH: i16 = 595;
const HEIGHT: i16 = 842;

// Where text begins and ends, from the left and from below.
const LEFT: i16 = 56;
const RIGHT: i16 = 539;
const TOP: i16 = 770;
const BOTTOM: i16 = 60;

/// Where the values of facts begin.
const VALUES: i16 = 176;

/// The width of what stands beside an amount.
const BESIDE_AMOUNTS: i16 = 360;

const REGULAR: Name<'_> = Name(b"R");
const BOLD: Name<'_> = Name(b"B");

/// Writes the paper.
pub(super) fn write(receipt: &Receipt) -> Vec<u8> {
    let mut paper = Paper { pages: vec![Content::new()], at: TOP };
    if receipt.is_test {
        paper.write(REGULAR, 10, LEFT, "Test mode - no money was moved.");
        paper.down(30);
    }
    paper.paragraph(BOLD, 18, LEFT, &receipt.title());
    paper.paragraph(REGULAR, 11, LEFT, &format!("{} paid on {}", receipt.paid, receipt.date));
    paper.down(14);
    for (name, value) in receipt.facts() {
        paper.write(REGULAR, 11, LEFT, name);
        paper.paragraph(REGULAR, 11, VALUES, value);
    }
    paper.down(14);
    paper.row(REGULAR, "Description", "Amount");
    for line in &receipt.lines {
        paper.row(REGULAR, &line.text, &line.amount);
    }
    paper.row(BOLD, receipt.total(), &receipt.net);
    bound(&receipt.title(), paper.pages)
}

/// What stands on the pages so far, and how far down on the last one.
struct Paper {
    pages: Vec<Content>,
    at: i16,
}

impl Paper {
    /// Goes down, to a new page where this one ends.
    fn down(&mut self, points: i16) {
        self.at = self.at.saturating_sub(points);
        if self.at < BOTTOM {
            self.pages.push(Content::new());
            self.at = TOP;
        }
    }

    /// Writes words that have room, from there to the right.
    fn write(&mut self, font: Name<'_>, size: i16, x: i16, text: &str) {
        self.show(font, size, x, &encoded(text));
    }

    fn show(&mut self, font: Name<'_>, size: i16, x: i16, text: &[u8]) {
        let y = self.at;
        if let Some(page) = self.pages.last_mut() {
            page.begin_text();
            page.op("Tf").operand(font).operand(i32::from(size));
            page.op("Td").operands([x, y].map(i32::from));
            page.show(Str(text)).end_text();
        }
    }

    /// Writes words in as many lines as they need, and goes below them.
    fn paragraph(&mut self, font: Name<'_>, size: i16, x: i16, text: &str) {
        for line in broken(&encoded(text), size, RIGHT.saturating_sub(x)) {
            self.show(font, size, x, &line);
            self.down(size.saturating_add(size / 2));
        }
    }

    /// Writes what there is to say of an amount, and the amount at the right of its first line, in the
    /// order in which that is read.
    fn row(&mut self, font: Name<'_>, text: &str, amount: &str) {
        let amount = encoded(amount);
        let width = i16::try_from(measured(&amount, 11) / 1_000).unwrap_or(0);
        for (place, line) in broken(&encoded(text), 11, BESIDE_AMOUNTS).iter().enumerate() {
            self.show(font, 11, LEFT, line);
            if place == 0 {
                self.show(font, 11, RIGHT.saturating_sub(width), &amount);
            }
            self.down(16);
        }
        self.down(4);
    }
}

/// The pages as one document.
fn bound(title: &str, pages: Vec<Content>) -> Vec<u8> {
    let [catalog, tree, regular, bold, info] = [1, 2, 3, 4, 5].map(Ref::new);
    let numbered: Vec<_> = (6..).step_by(2).map(Ref::new).zip(pages).collect();
    let mut pdf = Pdf::new();
    pdf.catalog(catalog)
        .pages(tree)
        .lang(TextStr("en"))
        .viewer_preferences()
        .display_doc_title(true);
    pdf.document_info(info).title(TextStr(title));
    let count = i32::try_from(numbered.len()).unwrap_or(1);
    pdf.pages(tree).kids(numbered.iter().map(|(id, _)| *id)).count(count);
    for (id, content) in numbered {
        let contents = id.next();
        let mut page = pdf.page(id);
        page.parent(tree).contents(contents);
        page.insert(Name(b"MediaBox")).array().items([0, 0, WIDTH, HEIGHT].map(i32::from));
        page.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
        page.finish();
        pdf.stream(contents, &content.finish());
    }
    for (id, name) in [(regular, Name(b"Helvetica")), (bold, Name(b"Helvetica-Bold"))] {
        pdf.type1_font(id).base_font(name).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.finish()
}

/// The letters between 0x80 and 0x9f; the others are where Unicode has them.
const SPECIAL: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// A text in `WinAnsiEncoding`.
fn encoded(text: &str) -> Vec<u8> {
    let letter = |letter: char| match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(letter)).ok(),
        _ if letter.is_control() || letter.is_whitespace() => Some(b' '),
        _ => {
            let place = SPECIAL.chars().position(|special| special == letter)?;
            u8::try_from(place).ok()?.checked_add(0x80)
        }
    };
    text.chars().map(|given| letter(given).unwrap_or(b'?')).collect()
}

/// The widths of Helvetica's letters from the space to the tilde, in thousandths of the size (Adobe's
/// metrics of the standard fonts).
#[rustfmt::skip]
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// How wide a letter is, in thousandths of the size; of letters with accents, at least about.
fn letter_width(letter: u8) -> u32 {
    let place = letter.checked_sub(b' ').map(usize::from);
    let known = place.and_then(|place| WIDTHS.get(place)).copied();
    known.map_or(if (0xc0..=0xdf).contains(&letter) { 722 } else { 556 }, u32::from)
}

/// How wide a text is, in thousandths of a point.
fn measured(text: &[u8], size: i16) -> u32 {
    let sum = text.iter().fold(0_u32, |sum, letter| sum.saturating_add(letter_width(*letter)));
    sum.saturating_mul(u32::from(size.unsigned_abs()))
}

/// A text in lines of at most that width, broken between words where that is possible.
fn broken(text: &[u8], size: i16, width: i16) -> Vec<Vec<u8>> {
    let most = u32::from(width.unsigned_abs()).saturating_mul(1_000);
    // Bold letters are wider by up to a tenth.
    let most = most.saturating_sub(most / 10);
    let fits = |line: &[u8], more: &[u8]| {
        measured(line, size).saturating_add(measured(more, size)) <= most
    };
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    for word in text.split(|letter| *letter == b' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            if fits(&line, word) {
                line.push(b' ');
            } else {
                lines.push(std::mem::take(&mut line));
            }
        }
        for letter in word {
            if !fits(&line, &[*letter]) {
                lines.push(std::mem::take(&mut line));
            }
            line.push(*letter);
        }
    }
    lines.push(line);
    lines
}
