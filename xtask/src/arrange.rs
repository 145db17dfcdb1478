//! The order of a module's functions: like beside like. gzip finds again only what it has seen within the last 32 kB, and
//! the compiler leaves what it made of one generic function far apart; this makes the Worker an eighth smaller.

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FunctionSectionReader, Parser, Payload, TypeRef};

/// How many bytes are compared at a time.
const WINDOW: usize = 6;

/// How far back a function may find what it has in common with others: somewhat less than gzip's 32 kB, since what it
/// is long itself comes in addition.
const REACH: usize = 30_000;

/// A window that more functions than this have is found wherever they stand.
const COMMON: usize = 400;

/// What is known of a function is divided by this power of what might be known of it. Below 1, it prefers long ones:
/// more is lost with them when they come too late.
const POWER: f64 = 0.7;

/// The same module with its functions in another order.
///
/// # Errors
/// When it cannot be read.
pub fn arrange(module: &[u8]) -> Result<Vec<u8>> {
    let mut imported = 0;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let order = order(&bodies);
    let mut places = vec![0; order.len()];
    for (place, function) in (0..).zip(&order) {
        places[*function] = place;
    }
    let mut arranged = Module::new();
    Arranger { imported, order, places }
        .parse_core_module(&mut arranged, Parser::new(0), module)
        .map_err(|error| anyhow!("the module cannot be arranged: {error}"))?;
    Ok(arranged.finish())
}

struct Arranger {
    /// How many functions come from outside; their numbers come first.
    imported: u32,
    /// The functions as they are to follow each other.
    order: Vec<usize>,
    /// The place of each function in this order.
    places: Vec<u32>,
}

impl Reencode for Arranger {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Infallible>> {
        Ok(match function.checked_sub(self.imported) {
            Some(own) => self.imported + self.places[own as usize],
            None => function,
        })
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let types = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in &self.order {
            functions.function(types[*function]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in self.order.clone() {
            self.parse_function_body(code, bodies[function].clone())?;
        }
        Ok(())
    }
}

/// An order in which each function is the one of which most is known from those just before it.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let mut row = Row::new(bodies);
    let mut order = Vec::with_capacity(bodies.len());
    // The first of those within reach, and how long they are together.
    let (mut first, mut length) = (0, 0);
    while let Some(function) = row.best() {
        row.place(function);
        order.push(function);
        length += bodies[function].len();
        while length > REACH && first + 1 < order.len() {
            row.leave(order[first]);
            length -= bodies[order[first]].len();
            first += 1;
        }
    }
    order
}

/// What is within reach of the next function, and how much of each function that makes known.
struct Row {
    /// The numbers of each function's windows that say something about which functions are alike, each once.
    windows: Vec<Vec<usize>>,
    /// Which functions have a window.
    having: Vec<Vec<usize>>,
    /// How much it tells that they have it: more when they are few.
    weights: Vec<u32>,
    /// How many of the functions within reach have it.
    within: Vec<u32>,
    /// How much the windows within reach weigh that a function has.
    known: Vec<u32>,
    /// What this is divided by to compare functions.
    divisors: Vec<f64>,
    is_placed: Vec<bool>,
}

impl Row {
    fn new(bodies: &[&[u8]]) -> Self {
        let mut numbers = HashMap::new();
        let mut having: Vec<Vec<usize>> = Vec::new();
        let mut windows = Vec::with_capacity(bodies.len());
        for (function, body) in bodies.iter().enumerate() {
            let mut own = Vec::new();
            for window in body.windows(WINDOW) {
                let number = *numbers.entry(window).or_insert(having.len());
                if number == having.len() {
                    having.push(Vec::new());
                }
                if having[number].last() != Some(&function) {
                    having[number].push(function);
                    own.push(number);
                }
            }
            windows.push(own);
        }
        for own in &mut windows {
            own.retain(|window| (2..COMMON).contains(&having[*window].len()));
        }
        let weight = |having: &Vec<usize>| (bodies.len() / having.len()).ilog2() + 1;
        let weights: Vec<_> = having.iter().map(weight).collect();
        let whole = |own: &Vec<usize>| own.iter().map(|window| weights[*window]).sum::<u32>();
        Self {
            divisors: windows.iter().map(|own| f64::from(whole(own).max(1)).powf(POWER)).collect(),
            weights,
            within: vec![0; having.len()],
            known: vec![0; bodies.len()],
            is_placed: vec![false; bodies.len()],
            windows,
            having,
        }
    }

    /// The function that is to come next; the first of them where nothing is known of any.
    fn best(&self) -> Option<usize> {
        let left = (0..self.known.len()).filter(|function| !self.is_placed[*function]);
        let part = |function: usize| f64::from(self.known[function]) / self.divisors[function];
        left.map(|function| (part(function), function))
            .reduce(|best, other| if other.0 > best.0 { other } else { best })
            .map(|(_, function)| function)
    }

    fn place(&mut self, function: usize) {
        self.is_placed[function] = true;
        for window in &self.windows[function] {
            self.within[*window] += 1;
            if self.within[*window] == 1 {
                for other in &self.having[*window] {
                    self.known[*other] += self.weights[*window];
                }
            }
        }
    }

    /// A function is out of reach from now on.
    fn leave(&mut self, function: usize) {
        for window in &self.windows[function] {
            self.within[*window] -= 1;
            if self.within[*window] == 0 {
                for other in &self.having[*window] {
                    self.known[*other] -= self.weights[*window];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{ExportKind, ExportSection, Function, TypeSection, ValType};

    use super::*;

    /// Functions of so many additions of a number each; the last calls the third, and the second is exported.
    fn module(numbers: &[i64]) -> Vec<u8> {
        let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
        let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
        types.ty().function([], [ValType::I64]);
        for number in numbers {
            functions.function(0);
            let mut function = Function::new([]);
            let mut body = function.instructions();
            body.i64_const(0);
            for step in 0..20 {
                body.i64_const(number + step).i64_add();
            }
            if code.len() as usize + 1 == numbers.len() {
                body.drop().call(2);
            }
            body.end();
            code.function(&function);
        }
        exports.export("second", ExportKind::Func, 1);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&exports).section(&code);
        module.finish()
    }

    /// The bodies, and the number of the exported function.
    fn read(module: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let (mut bodies, mut exported) = (Vec::new(), 0);
        for payload in Parser::new(0).parse_all(module) {
            match payload.expect("a module") {
                Payload::ExportSection(exports) => {
                    for export in exports {
                        exported = export.expect("an export").index as usize;
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes().to_vec()),
                _ => {}
            }
        }
        (bodies, exported)
    }

    #[test]
    fn like_stands_beside_like_and_is_called_as_before() {
        let given = module(&[1_000_000, 70_000_000, 1_000_001, 70_000_001, 5]);
        let (before, _) = read(&given);
        let arranged = arrange(&given).expect("a module");
        let (after, exported) = read(&arranged);
        let place = |function: usize| after.iter().position(|body| *body == before[function]);
        assert_eq!((place(0), place(2)), (Some(0), Some(1)));
        assert_eq!((place(1), place(3)), (Some(2), Some(3)));
        assert_eq!((exported, after.len()), (2, 5));
        // The call at the end of the last, which is where it was, leads to what was the third and is the second now.
        assert!(before[4].ends_with(&[0x10, 2, 0x0b]) && after[4].ends_with(&[0x10, 1, 0x0b]));
        assert_eq!(arrange(&given).expect("a module"), arranged);
    }

    #[test]
    fn what_is_out_of_reach_counts_for_nothing() {
        let text = |numbers: std::ops::Range<u32>| numbers.flat_map(u32::to_le_bytes);
        let first: Vec<_> = text(1_000..1_400).chain(text(2_000..2_100)).collect();
        let like_first: Vec<_> = text(2_000..2_100).chain(text(5_000..5_100)).collect();
        let long: Vec<_> =
            text(1_000..1_400).chain(text(10_000..20_000)).chain(text(3_000..3_020)).collect();
        let little_like_long: Vec<_> = text(3_000..3_020).chain(text(4_000..4_060)).collect();
        let last: Vec<_> = text(4_000..4_060).chain(text(5_000..5_100)).collect();
        // The second is much like the first. After the long one, which is even more so, it has nothing to follow.
        let order = order(&[&first, &like_first, &long, &little_like_long, &last]);
        assert_eq!(order, [0, 2, 3, 4, 1]);
    }
}
