//! Spells functions alike where it is all the same to who runs them: gzip finds again only what is the same byte for
//! byte. The Worker becomes 23 kB smaller.

use std::convert::Infallible;
use std::vec::IntoIter;

use anyhow::{Context, Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Function, Instruction, MemArg, Module};
use wasmparser::{FunctionBody, Operator, Parser, Payload, ValType};

/// Where a function's own locals begin, however many parameters it has: what few functions have more of.
const FIRST: u32 = 8;

/// Where those begin that are no `i32`, however many of these there are.
const FIRST_OTHER: u32 = 32;

/// The same module with its functions spelt alike.
///
/// # Errors
/// When it cannot be read.
pub fn spell_alike(module: &[u8]) -> Result<Vec<u8>> {
    let parameters = parameters(module)?.into_iter();
    let mut spelt = Module::new();
    Speller { parameters, declared: 0, numbers: Vec::new() }
        .parse_core_module(&mut spelt, Parser::new(0), module)
        .map_err(|error| anyhow!("the module cannot be spelt: {error}"))?;
    Ok(spelt.finish())
}

/// How many parameters each of the module's own functions has.
fn parameters(module: &[u8]) -> Result<Vec<u32>> {
    let (mut of_types, mut of_functions) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(types) => {
                for kind in types.into_iter_err_on_gc_types() {
                    of_types.push(u32::try_from(kind?.params().len())?);
                }
            }
            Payload::FunctionSection(functions) => {
                for kind in functions {
                    let of_type = of_types.get(kind? as usize);
                    of_functions.push(*of_type.context("a function of a type that is not there")?);
                }
            }
            _ => {}
        }
    }
    Ok(of_functions)
}

struct Speller {
    /// How many parameters the functions that are still to come have.
    parameters: IntoIter<u32>,
    /// The number of the first local that the present function declares.
    declared: u32,
    /// What each of these is called from now on.
    numbers: Vec<u32>,
}

impl Speller {
    /// Numbers a function's own locals, and declares them under these numbers. Those in the gaps are never used, and
    /// an optimising engine leaves no trace of them.
    fn declare(&mut self, body: &FunctionBody<'_>) -> Result<Function, Error<Infallible>> {
        let runs = body.get_locals_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.numbers.clear();
        if runs.is_empty() {
            return Ok(Function::new([]));
        }
        let (of_i32, others): (Vec<_>, Vec<_>) =
            runs.iter().copied().partition(|(_, kind)| *kind == ValType::I32);
        let mut next = self.declared.max(FIRST);
        let end = next + of_i32.iter().map(|(count, _)| count).sum::<u32>();
        let mut next_other = end.max(FIRST_OTHER);
        let filled = if others.is_empty() { end } else { next_other };
        let mut declarations = vec![(filled - self.declared, wasm_encoder::ValType::I32)];
        for (count, kind) in others {
            declarations.push((count, self.val_type(kind)?));
        }
        declarations.retain(|(count, _)| *count > 0);
        for (count, kind) in runs {
            let number = if kind == ValType::I32 { &mut next } else { &mut next_other };
            self.numbers.extend(*number..*number + count);
            *number += count;
        }
        Ok(Function::new(declarations))
    }

    fn number(&self, local: u32) -> u32 {
        local.checked_sub(self.declared).map_or(local, |own| self.numbers[own as usize])
    }
}

impl Reencode for Speller {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Infallible>> {
        self.declared = self.parameters.next().unwrap_or_default();
        let mut function = self.declare(&body)?;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            function.instruction(&self.parse_instruction(&mut operators)?);
        }
        code.function(&function);
        Ok(())
    }

    fn instruction<'a>(
        &mut self,
        operator: Operator<'a>,
    ) -> Result<Instruction<'a>, Error<Infallible>> {
        Ok(match operator {
            Operator::LocalGet { local_index } => Instruction::LocalGet(self.number(local_index)),
            Operator::LocalSet { local_index } => Instruction::LocalSet(self.number(local_index)),
            Operator::LocalTee { local_index } => Instruction::LocalTee(self.number(local_index)),
            other => utils::instruction(self, other)?,
        })
    }

    /// How an address is aligned is a hint that no engine needs where memory can be read anywhere.
    fn mem_arg(&mut self, given: wasmparser::MemArg) -> Result<MemArg, Error<Infallible>> {
        Ok(MemArg { align: 0, ..utils::mem_arg(self, given)? })
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{FunctionSection, MemArgTarget, TypeSection};

    use super::*;

    /// Functions with so many parameters and so many locals of their own that are `i32`, beside one that is `i64`.
    /// Each reads the latter from where the last of the former says, aligned in its own way.
    fn module(functions: &[(u32, u32)]) -> Vec<u8> {
        let (i32, i64) = (wasm_encoder::ValType::I32, wasm_encoder::ValType::I64);
        let (mut types, mut section) = (TypeSection::new(), FunctionSection::new());
        let mut code = CodeSection::new();
        for (parameters, own) in functions {
            section.function(types.len());
            types.ty().function(vec![i32; *parameters as usize], []);
            let mut function = Function::new([(1, i64), (*own, i32)]);
            let align = (*parameters).min(3);
            let mut body = function.instructions();
            body.local_get(parameters + own).i64_load(MemArg {
                offset: 16,
                align,
                target: MemArgTarget::Memory(0),
                ordering: None,
            });
            body.local_set(*parameters).local_get(0).drop().end();
            code.function(&function);
        }
        let mut module = Module::new();
        module.section(&types).section(&section).section(&code);
        module.finish()
    }

    /// What a function does, and the numbers and kinds of the locals that it names.
    type Read = (Vec<u8>, Vec<(u32, ValType)>);

    fn read(module: &[u8]) -> Vec<Read> {
        let mut parameters = parameters(module).expect("a module").into_iter();
        let mut functions = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            let Payload::CodeSectionEntry(body) = payload.expect("a module") else { continue };
            let mut kinds = vec![ValType::I32; parameters.next().expect("a function") as usize];
            for run in body.get_locals_reader().expect("locals") {
                let (count, kind) = run.expect("a run");
                kinds.extend(vec![kind; count as usize]);
            }
            let operators = body.get_operators_reader().expect("operators");
            let mut bytes = operators.get_binary_reader();
            let does = bytes.read_bytes(bytes.bytes_remaining()).expect("bytes").to_vec();
            let named = operators.into_iter().filter_map(|operator| match operator.expect("one") {
                Operator::LocalGet { local_index } | Operator::LocalSet { local_index } => {
                    Some((local_index, kinds[local_index as usize]))
                }
                _ => None,
            });
            functions.push((does, named.collect()));
        }
        functions
    }

    #[test]
    fn functions_do_the_same_in_the_same_words_whatever_parameters_and_locals_they_have() {
        let given = module(&[(1, 2), (3, 2), (9, 40)]);
        let spelt = read(&spell_alike(&given).expect("a module"));
        let (i32, i64) = (ValType::I32, ValType::I64);
        assert_eq!(spelt[0].1, [(9, i32), (32, i64), (0, i32)]);
        assert_eq!(spelt[1], spelt[0]);
        // Where there are more than that, all that is different from before is which come first.
        assert_eq!(spelt[2].1, [(48, i32), (49, i64), (0, i32)]);
    }
}
