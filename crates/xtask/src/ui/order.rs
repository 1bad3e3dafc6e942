//! The functions of a wasm program in an order that compresses well. gzip looks 32 KB back, and what
//! the compiler makes of one generic function for forty types lies further apart than that; side by
//! side, all but the first cost next to nothing.
//!
//! Owns: the order, and the numbers of functions, which change with it. Must not know: what they do.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::{Context as _, Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload,
    TypeRef,
};

/// What gzip sees, less what lies between.
const WINDOW: usize = 30_000;

/// Bytes that must be alike at once.
const PIECE: usize = 6;

/// A piece that so many functions hold tells nothing.
const COMMON: usize = 300;

/// The same program, its functions next to those most like them.
pub fn by_likeness(wasm: &[u8]) -> Result<Vec<u8>> {
    let (mut imported, mut bodies) = (0_usize, Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    let order = order(&bodies);
    let mut numbers: Vec<u32> = (0..).take(imported + bodies.len()).collect();
    for (place, old) in order.iter().enumerate() {
        let new = u32::try_from(imported + place)?;
        *numbers.get_mut(imported + old).context("a function")? = new;
    }
    let mut module = Module::new();
    let mut renumbered = Renumbered { order, numbers };
    renumbered
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("the program cannot be ordered: {error}"))?;
    Ok(module.finish())
}

/// Each next one is the one of which most lies in the window already. Numbers of `bodies`.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let pieces = pieces(bodies);
    let mut holders: HashMap<u32, Vec<usize>> = HashMap::new();
    for (body, pieces) in pieces.iter().enumerate() {
        for piece in pieces {
            holders.entry(*piece).or_default().push(body);
        }
    }
    let mut window = Window {
        holders,
        seen: HashMap::new(),
        known: vec![0; bodies.len()],
    };
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    // What is like nothing that was: the largest begins a new row.
    left.sort_by_key(|body| std::cmp::Reverse(bodies[*body].len()));
    let (mut order, mut inside, mut size) = (Vec::new(), VecDeque::new(), 0);
    while !left.is_empty() {
        let worth = |body: usize| window.known[body] * 1024 / (pieces[body].len() + 5);
        let best = (0..left.len()).max_by_key(|at| (worth(left[*at]), std::cmp::Reverse(*at)));
        let body = left.remove(best.unwrap_or_default());
        order.push(body);
        window.enters(&pieces[body]);
        inside.push_back(body);
        size += bodies[body].len();
        while size > WINDOW && inside.len() > 1 {
            let Some(oldest) = inside.pop_front() else {
                break;
            };
            size -= bodies[oldest].len();
            window.leaves(&pieces[oldest]);
        }
    }
    order
}

/// A sample of each body's pieces that some others hold as well, each once.
fn pieces(bodies: &[&[u8]]) -> Vec<Vec<u32>> {
    let sampled: Vec<Vec<u32>> = bodies
        .iter()
        .map(|body| {
            let mut pieces: Vec<u32> = body
                .windows(PIECE)
                .map(hash)
                .filter(|hash| hash % 2 == 0)
                .collect();
            pieces.sort_unstable();
            pieces.dedup();
            pieces
        })
        .collect();
    let mut times: HashMap<u32, usize> = HashMap::new();
    for piece in sampled.iter().flatten() {
        *times.entry(*piece).or_default() += 1;
    }
    let tells = |piece: &u32| times.get(piece).is_some_and(|n| (2..=COMMON).contains(n));
    sampled
        .into_iter()
        .map(|pieces| pieces.into_iter().filter(tells).collect())
        .collect()
}

/// The same in every build.
fn hash(piece: &[u8]) -> u32 {
    let mut hasher = DefaultHasher::new();
    piece.hash(&mut hasher);
    let bytes = hasher.finish().to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

struct Window {
    holders: HashMap<u32, Vec<usize>>,
    /// How often each piece lies in the window.
    seen: HashMap<u32, usize>,
    /// How many pieces of each body lie in it.
    known: Vec<usize>,
}

impl Window {
    fn enters(&mut self, pieces: &[u32]) {
        for piece in pieces {
            let seen = self.seen.entry(*piece).or_default();
            *seen += 1;
            if *seen == 1 {
                for body in self.holders.get(piece).into_iter().flatten() {
                    self.known[*body] += 1;
                }
            }
        }
    }

    fn leaves(&mut self, pieces: &[u32]) {
        for piece in pieces {
            let seen = self.seen.entry(*piece).or_default();
            *seen -= 1;
            if *seen == 0 {
                for body in self.holders.get(piece).into_iter().flatten() {
                    self.known[*body] -= 1;
                }
            }
        }
    }
}

struct Renumbered {
    /// The bodies' numbers in their new order.
    order: Vec<usize>,
    /// Old number → new number, imports included.
    numbers: Vec<u32>,
}

type Reencoded = std::result::Result<(), Error<Infallible>>;

impl Reencode for Renumbered {
    type Error = Infallible;

    fn function_index(&mut self, old: u32) -> std::result::Result<u32, Error<Infallible>> {
        let number = usize::try_from(old).ok();
        let new = number.and_then(|old| self.numbers.get(old));
        Ok(*new.expect("every function has a number"))
    }

    /// Names and the like: read by tools only.
    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Reencoded {
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Reencoded {
        let types: Vec<u32> = section.into_iter().collect::<std::result::Result<_, _>>()?;
        for old in &self.order {
            functions.function(types[*old]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Reencoded {
        let bodies: Vec<FunctionBody<'_>> =
            section.into_iter().collect::<std::result::Result<_, _>>()?;
        for old in self.order.clone() {
            self.parse_function_body(code, bodies[old].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
        ImportSection, Instruction, RefType, TableSection, TableType, TypeSection,
    };

    /// One import, and six functions: three that are alike, a small one between each. Each calls the
    /// next; the first is exported, the last is in the table.
    fn program() -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([], [wasm_encoder::ValType::I32]);
        let mut imports = ImportSection::new();
        imports.import("env", "f", EntityType::Function(0));
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        for n in 0..6_i32 {
            functions.function(u32::from(n % 2 == 1));
            let mut body = Function::new([]);
            if n % 2 == 0 {
                for constant in 0..40 {
                    body.instruction(&Instruction::I32Const(constant * 7919));
                    body.instruction(&Instruction::Drop);
                }
                body.instruction(&Instruction::Call(1 + (n as u32 + 2) % 6));
            } else {
                body.instruction(&Instruction::I32Const(n));
            }
            body.instruction(&Instruction::End);
            code.function(&body);
        }
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: 1,
            maximum: None,
            table64: false,
            shared: false,
        });
        let mut exports = ExportSection::new();
        exports.export("first", ExportKind::Func, 1);
        let mut elements = ElementSection::new();
        let last = Elements::Functions([6].as_slice().into());
        elements.active(None, &ConstExpr::i32_const(0), last);
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&tables)
            .section(&exports)
            .section(&elements)
            .section(&code);
        module.finish()
    }

    /// Length and type of the function with this number, and whom it calls.
    fn about(wasm: &[u8], number: u32) -> (usize, u32, Vec<u32>) {
        let (mut types, mut bodies) = (vec![], vec![]);
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.expect("a program") {
                Payload::FunctionSection(section) => {
                    types = section.into_iter().map(|ty| ty.expect("a type")).collect();
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        let at = number as usize - 1;
        let calls = bodies[at].get_operators_reader().expect("a body");
        let calls = calls
            .into_iter()
            .filter_map(|operator| match operator.expect("an operator") {
                wasmparser::Operator::Call { function_index } => Some(function_index),
                _ => None,
            });
        (bodies[at].as_bytes().len(), types[at], calls.collect())
    }

    #[test]
    fn alike_functions_lie_together_and_every_number_still_means_the_same() {
        let before = program();
        let after = by_likeness(&before).expect("the same program");
        wasmparser::validate(&after).expect("a valid program");
        let mut lengths = vec![];
        for number in 1..=6 {
            lengths.push(about(&after, number).0);
        }
        let long = lengths.iter().position(|length| *length > 50);
        let first = long.expect("the long ones are there");
        assert!(
            lengths[first..first + 3].iter().all(|length| *length > 50),
            "{lengths:?}"
        );
        let exported = Parser::new(0)
            .parse_all(&after)
            .find_map(|payload| match payload.expect("a program") {
                Payload::ExportSection(section) => {
                    Some(section.into_iter().next()?.expect("an export").index)
                }
                _ => None,
            })
            .expect("it is exported");
        // First → third → fifth → first, by whatever numbers.
        let (mut at, mut way) = (exported, vec![]);
        for _ in 0..3 {
            let (length, ty, calls) = about(&after, at);
            assert!(length > 50 && ty == 0 && calls.len() == 1);
            way.push(at);
            at = calls[0];
        }
        assert_eq!(at, exported);
        way.sort_unstable();
        way.dedup();
        assert_eq!(way.len(), 3);
        assert_eq!(by_likeness(&before).ok(), Some(after), "the same each time");
    }
}
