//! JSON into the wire's types with little code: what serde_json generates for each type anew (objects
//! that may be arrays, field names that may be numbers, sentences for errors that nobody sees) is a
//! third of the window's program.
//!
//! Owns: [`read`]. Reads only what the engine writes: an object where a struct is meant, and enums as
//! names, as objects with one field, or with their tag beside the fields (a type that is named
//! `#tag`; see `wire`).

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, MapAccess, SeqAccess,
        Unexpected, VariantAccess, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};
use std::fmt;

/// A value out of JSON text.
///
/// # Panics
/// Where it is another than the engine writes. Window and engine are one program, so that is a bug of
/// ours; and code that goes on after an error, with all that must be dropped on the way, would be half
/// of what is generated for each type.
#[must_use]
pub fn read<T: DeserializeOwned>(json: &str) -> T {
    of(parsed(json).unwrap_or_else(|| fail("JSON")))
}

/// The engine's refusal, where it is one: Tauri has refusals of its own, which are plain text.
#[cfg(any(target_arch = "wasm32", test))]
#[must_use]
pub fn refusal(json: &str) -> Option<wire::Error> {
    let value = parsed(json)?;
    value.get("code")?.as_str()?;
    Some(of(value))
}

fn parsed(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok()
}

fn of<T: DeserializeOwned>(value: Value) -> T {
    match T::deserialize(Lean(value)) {
        Ok(read) => read,
        Err(never) => match never {},
    }
}

#[cold]
#[inline(never)]
fn fail(what: &str) -> ! {
    panic!("the engine answered without {what}")
}

/// There is none: see [`read`].
#[derive(Debug)]
enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl de::Error for Never {
    fn custom<T: fmt::Display>(_: T) -> Self {
        fail("a value")
    }
    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        fail("a type")
    }
    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        fail("a value")
    }
    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        fail("a field")
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        fail("a variant")
    }
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        fail("a field")
    }
    fn missing_field(field: &'static str) -> Self {
        fail(field)
    }
    fn duplicate_field(field: &'static str) -> Self {
        fail(field)
    }
}

struct Lean(Value);

impl Lean {
    fn whole(&self) -> i64 {
        self.0.as_i64().unwrap_or_else(|| fail("a whole number"))
    }

    fn natural(&self) -> u64 {
        self.0.as_u64().unwrap_or_else(|| fail("a natural number"))
    }

    fn text(self) -> String {
        match self.0 {
            Value::String(text) => text,
            _ => fail("a text"),
        }
    }

    fn list(self) -> Items {
        match self.0 {
            Value::Array(items) => Items(items.into_iter()),
            _ => fail("a list"),
        }
    }

    fn object(self) -> Map<String, Value> {
        match self.0 {
            Value::Object(fields) => fields,
            _ => fail("an object"),
        }
    }

    fn entries(self) -> Entries {
        Entries {
            rest: self.object().into_iter(),
            value: Value::Null,
        }
    }

    /// A struct's fields in the order in which it declares them.
    fn fields(self, names: &'static [&'static str]) -> Fields {
        Fields {
            names: names.iter(),
            of: self.object(),
        }
    }

    /// The name of the variant, and what it holds. `kind`: the enum's name, `#tag` where the variant's
    /// name stands in the field `tag`, beside the others.
    fn variant(self, kind: &str) -> Variant {
        let mut fields: Map<String, Value> = match self.0 {
            Value::String(name) => return Variant(name, Value::Null),
            Value::Object(fields) => fields,
            _ => fail("a variant"),
        };
        if let Some(tag) = kind.strip_prefix('#') {
            return match fields.remove(tag) {
                Some(Value::String(name)) => Variant(name, Value::Object(fields)),
                _ => fail(tag),
            };
        }
        match fields.into_iter().next() {
            Some((name, held)) => Variant(name, held),
            None => fail("a variant"),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $read:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
            visitor.$visit(self.$read())
        }
    )*};
}

impl<'de> Deserializer<'de> for Lean {
    type Error = Never;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(yes) => visitor.visit_bool(yes),
            Value::Number(ref number) => match (number.as_u64(), number.as_i64()) {
                (Some(natural), _) => visitor.visit_u64(natural),
                (None, Some(whole)) => visitor.visit_i64(whole),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(_) => visitor.visit_seq(self.list()),
            Value::Object(_) => visitor.visit_map(self.entries()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_bool(self.0.as_bool().unwrap_or_else(|| fail("yes or no")))
    }

    numbers! {
        deserialize_i8 visit_i64 whole,
        deserialize_i16 visit_i64 whole,
        deserialize_i32 visit_i64 whole,
        deserialize_i64 visit_i64 whole,
        deserialize_u8 visit_u64 natural,
        deserialize_u16 visit_u64 natural,
        deserialize_u32 visit_u64 natural,
        deserialize_u64 visit_u64 natural,
        deserialize_str visit_string text,
        deserialize_string visit_string text,
        deserialize_seq visit_seq list,
        deserialize_map visit_map entries,
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_f64(self.0.as_f64().unwrap_or_else(|| fail("a number")))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Never> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_seq(self.list())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Never> {
        visitor.visit_seq(self.fields(names))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Never> {
        visitor.visit_enum(self.variant(name))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_str(&self.text())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { f32 char bytes byte_buf unit_struct tuple_struct }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Never;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Never> {
        match self.0.next() {
            Some(item) => seed.deserialize(Lean(item)).map(Some),
            None => Ok(None),
        }
    }
}

/// Asked for in their own order, a struct's fields need no names looked up, no place for each until the
/// last is there, and no error for what comes twice: a quarter of the code.
struct Fields {
    names: std::slice::Iter<'static, &'static str>,
    of: Map<String, Value>,
}

impl Fields {
    /// `None` where the engine left it out, which it does with defaults only.
    fn step(&mut self) -> Option<Value> {
        let name = self.names.next()?;
        self.of.get_mut(*name).map(Value::take)
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = Never;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Never> {
        match self.step() {
            Some(value) => seed.deserialize(Lean(value)).map(Some),
            None => Ok(None),
        }
    }
}

struct Entries {
    rest: serde_json::map::IntoIter,
    value: Value,
}

impl Entries {
    fn step(&mut self) -> Option<String> {
        let (name, value) = self.rest.next()?;
        self.value = value;
        Some(name)
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Never;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Never> {
        match self.step() {
            Some(name) => seed.deserialize(Lean(Value::String(name))).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Never> {
        seed.deserialize(Lean(self.value.take()))
    }
}

struct Variant(String, Value);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Never;
    type Variant = Lean;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Lean), Never> {
        let name = seed.deserialize(StrDeserializer::new(&self.0))?;
        Ok((name, Lean(self.1)))
    }
}

impl<'de> VariantAccess<'de> for Lean {
    type Error = Never;

    fn unit_variant(self) -> Result<(), Never> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Never> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Never> {
        visitor.visit_seq(self.list())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Never> {
        visitor.visit_seq(self.fields(names))
    }
}

#[cfg(test)]
mod tests;
