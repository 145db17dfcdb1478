//! The order of a module's functions: like beside like. gzip finds again only what it has seen within the last
//! 32 kB, and the compiler leaves what it made of one generic function far apart; this makes the Worker a tenth smaller.

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FunctionSectionReader, Parser, Payload, TypeRef};

/// How many bytes are compared at a time.
const WINDOW: usize = 5;

/// How many of a function's windows others are found by.
const FOUND_BY: usize = 64;

/// A window that more functions than this have tells nothing.
const COMMON: usize = 400;

/// How many of those that have the most of these windows are looked at closely.
const CANDIDATES: usize = 30;

/// One part in so many is the least that two functions must share to be called alike.
const LEAST: usize = 50;

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

/// An order in which each function is followed by the one that is most like it.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let windows: Vec<_> = bodies.iter().map(|body| windows(body)).collect();
    let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
    for (function, windows) in windows.iter().enumerate() {
        for window in windows.iter().take(FOUND_BY) {
            having.entry(*window).or_default().push(function);
        }
    }
    having.retain(|_, functions| (2..COMMON).contains(&functions.len()));
    let mut is_placed = vec![false; bodies.len()];
    let mut order = Vec::with_capacity(bodies.len());
    for first in 0..bodies.len() {
        let mut next = (!is_placed[first]).then_some(first);
        while let Some(function) = next {
            is_placed[function] = true;
            order.push(function);
            next = most_alike(function, &windows, &having, &is_placed);
        }
    }
    order
}

/// What stands in a body, a window at a time, in an order that has nothing to do with what it is.
fn windows(body: &[u8]) -> Vec<u64> {
    let number = |window: &[u8]| window.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    // An odd factor tells any two windows apart.
    let scattered = |window| number(window).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut windows: Vec<_> = body.windows(WINDOW).map(scattered).collect();
    windows.sort_unstable();
    windows.dedup();
    windows
}

fn most_alike(
    function: usize,
    windows: &[Vec<u64>],
    having: &HashMap<u64, Vec<usize>>,
    is_placed: &[bool],
) -> Option<usize> {
    let mut met: HashMap<usize, usize> = HashMap::new();
    for window in windows[function].iter().take(FOUND_BY) {
        for other in having.get(window).into_iter().flatten().filter(|other| !is_placed[**other]) {
            *met.entry(*other).or_default() += 1;
        }
    }
    let mut met: Vec<_> = met.into_iter().collect();
    met.sort_unstable_by_key(|(other, count)| (usize::MAX - count, *other));
    let alike = met.into_iter().take(CANDIDATES).map(|(other, _)| {
        let shared = shared(&windows[function], &windows[other]);
        let all = windows[function].len() + windows[other].len() - shared;
        (shared, all, other)
    });
    alike
        .filter(|(shared, all, _)| shared * LEAST > *all)
        .max_by(|(a, all_a, _), (b, all_b, _)| (a * all_b).cmp(&(b * all_a)))
        .map(|(.., other)| other)
}

/// How many of two sorted lists' entries are in both.
fn shared(left: &[u64], right: &[u64]) -> usize {
    left.iter().filter(|window| right.binary_search(window).is_ok()).count()
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{ExportKind, ExportSection, Function, TypeSection, ValType};

    use super::*;

    /// Functions of so many additions of a number each; the last calls the first and is exported.
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
                body.drop().call(0);
            }
            body.end();
            code.function(&function);
        }
        exports.export("last", ExportKind::Func, code.len() - 1);
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
        assert_eq!((exported, after.len()), (4, 5));
        // The call in it still leads to the first function, which has kept its number.
        assert_eq!(after[4], before[4]);
        assert_eq!(arrange(&given).expect("a module"), arranged);
    }
}
