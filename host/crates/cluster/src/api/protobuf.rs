//! Protobuf bodies, as `kubectl create` and typed clients send them, turned into JSON.
//!
//! The schemas say of what type a field is, `wire_facts.txt` which number it has. A field that
//! neither knows is refused, never left out. Never encodes.

use super::base64;
use super::schema::{reference, schemas};
use super::status::Failure;
use jiff::Timestamp;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const MAGIC: &[u8] = b"k8s\0";
const FACTS: &str = include_str!("wire_facts.txt");
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The object in a protobuf body.
///
/// # Errors
/// A body that is no message, or one with something this lab does not know: a `BadRequest`.
pub(super) fn object(body: &[u8]) -> Result<Value, Failure> {
    decode(body).map_err(|trouble| {
        Failure::bad_request(match trouble {
            Trouble::Broken(why) => format!("unable to decode protobuf: {why}"),
            Trouble::Unknown(what) => format!("not in this lab: {what} as protobuf; send JSON"),
        })
    })
}

enum Trouble {
    /// The bytes are no message of this type.
    Broken(&'static str),
    /// A kind or a field that is not known here.
    Unknown(String),
}

fn decode(body: &[u8]) -> Result<Value, Trouble> {
    let envelope = body.strip_prefix(MAGIC);
    let envelope = envelope.ok_or(Trouble::Broken("wrong magic number"))?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Fields(envelope) {
        match field? {
            (1, Wire::Bytes(type_meta)) => {
                for field in Fields(type_meta) {
                    match field? {
                        (1, Wire::Bytes(bytes)) => version = text(bytes)?,
                        (2, Wire::Bytes(bytes)) => kind = text(bytes)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    // Options have the version of what they are about.
    let root = match kind.as_str() {
        "DeleteOptions" => format!("{META}.DeleteOptions"),
        _ => {
            let root = schemas().named(&version, &kind);
            root.ok_or_else(|| Trouble::Unknown(kind.clone()))?
                .to_owned()
        }
    };
    let mut object = Map::new();
    message(&root, &root, raw, &mut object)?;
    object.insert("apiVersion".into(), version.into());
    object.insert("kind".into(), kind.into());
    Ok(object.into())
}

/// What stands behind the number of a field.
enum Slot {
    /// A field; whether zero is nothing, because it is no pointer in Go.
    Field(&'static str, bool),
    /// A message whose fields belong to the object around it.
    Inline(&'static str),
}

type Slots = BTreeMap<u32, Slot>;

fn slots(message: &str) -> Option<&'static Slots> {
    static MESSAGES: OnceLock<BTreeMap<&'static str, Slots>> = OnceLock::new();
    let messages = MESSAGES.get_or_init(|| {
        let lines = FACTS.lines().filter(|line| !line.starts_with('#'));
        let read = |line: &'static str| {
            let mut words = line.split(' ');
            let name = words.next()?;
            Some((name, words.filter_map(slot).collect()))
        };
        lines.filter_map(read).collect()
    });
    messages.get(message)
}

fn slot(word: &'static str) -> Option<(u32, Slot)> {
    let at = word.find(['=', '~', '>'])?;
    let (number, rest) = word.split_at(at);
    let (mark, name) = rest.split_at(1);
    let slot = match mark {
        ">" => Slot::Inline(name),
        mark => Slot::Field(name, mark == "~"),
    };
    Some((number.parse().ok()?, slot))
}

/// One value on the wire.
#[derive(Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

/// The fields of a message, in order.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Wire<'a>), Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| self.read())
    }
}

impl<'a> Fields<'a> {
    fn read(&mut self) -> Result<(u32, Wire<'a>), Trouble> {
        let read = self.field();
        if read.is_err() {
            self.0 = &[];
        }
        read
    }

    fn field(&mut self) -> Result<(u32, Wire<'a>), Trouble> {
        const SHORT: Trouble = Trouble::Broken("unexpected EOF");
        let (number, type_) =
            decode_key(&mut self.0).map_err(|_| Trouble::Broken("illegal tag"))?;
        let wire = match type_ {
            WireType::Varint => Wire::Number(decode_varint(&mut self.0).map_err(|_| SHORT)?),
            WireType::SixtyFourBit => {
                let (bytes, rest) = self.0.split_first_chunk::<8>().ok_or(SHORT)?;
                self.0 = rest;
                Wire::Double(f64::from_le_bytes(*bytes))
            }
            WireType::LengthDelimited => {
                let length = decode_varint(&mut self.0).map_err(|_| SHORT)?;
                let length = usize::try_from(length).map_err(|_| SHORT)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            _ => return Err(Trouble::Broken("illegal wire type")),
        };
        Ok((number, wire))
    }
}

/// Reads the message `line` of the facts into an object of the schema `root`.
fn message(
    root: &str,
    line: &str,
    bytes: &[u8],
    out: &mut Map<String, Value>,
) -> Result<(), Trouble> {
    let kind = root.rsplit('.').next().unwrap_or(root);
    let slots = slots(line).ok_or_else(|| Trouble::Unknown(kind.to_owned()))?;
    for field in Fields(bytes) {
        let (number, wire) = field?;
        let unknown = || Trouble::Unknown(format!("field {number} of a {kind}"));
        match (slots.get(&number).ok_or_else(unknown)?, wire) {
            (Slot::Inline(part), Wire::Bytes(bytes)) => {
                message(root, &format!("{root}+{part}"), bytes, out)?;
            }
            (Slot::Field(name, zero_is_nothing), wire) => {
                let schema = schemas().property(root, name).ok_or_else(unknown)?;
                put(schema, name, wire, *zero_is_nothing, out)?;
            }
            _ => return Err(Trouble::Broken("illegal wire type")),
        }
    }
    Ok(())
}

/// Puts a field's value where it belongs: into a list, into a map, or by itself.
fn put(
    schema: &Value,
    name: &str,
    wire: Wire<'_>,
    zero_is_nothing: bool,
    out: &mut Map<String, Value>,
) -> Result<(), Trouble> {
    match schema["type"].as_str() {
        Some("array") => {
            let list = out.entry(name).or_insert_with(|| json!([]));
            let items = list.as_array_mut().ok_or(Trouble::Broken("a list twice"))?;
            elements(&schema["items"], wire, items)
        }
        Some("object") if schema.get("additionalProperties").is_some() => {
            let (key, value) = entry(&schema["additionalProperties"], wire)?;
            out.entry(name).or_insert_with(|| json!({}))[key] = value;
            Ok(())
        }
        _ => {
            let value = value(schema, wire)?;
            let nothing = match &value {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Bool(flag) => zero_is_nothing && !flag,
                Value::Number(number) => zero_is_nothing && number.as_i64() == Some(0),
                _ => false,
            };
            if !nothing {
                out.insert(name.to_owned(), value);
            }
            Ok(())
        }
    }
}

/// One element, or several numbers at once.
fn elements(schema: &Value, wire: Wire<'_>, items: &mut Vec<Value>) -> Result<(), Trouble> {
    match (schema["type"].as_str(), wire) {
        (Some("integer" | "boolean"), Wire::Bytes(mut packed)) => {
            while !packed.is_empty() {
                let number = decode_varint(&mut packed);
                let number = number.map_err(|_| Trouble::Broken("unexpected EOF"))?;
                items.push(value(schema, Wire::Number(number))?);
            }
        }
        _ => items.push(value(schema, wire)?),
    }
    Ok(())
}

/// One pair of a map.
fn entry(schema: &Value, wire: Wire<'_>) -> Result<(String, Value), Trouble> {
    let Wire::Bytes(bytes) = wire else {
        return Err(Trouble::Broken("illegal wire type"));
    };
    let mut key = String::new();
    let mut found = match schema["type"].as_str() {
        Some("array") => json!([]),
        Some("string") => "".into(),
        _ => json!({}),
    };
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?,
            // A list in a map is a message with a list.
            (2, Wire::Bytes(bytes)) if found.is_array() => {
                for field in Fields(bytes) {
                    let element = value(&schema["items"], field?.1)?;
                    found.as_array_mut().into_iter().for_each(|list| {
                        list.push(element.clone());
                    });
                }
            }
            (2, wire) => found = value(schema, wire)?,
            _ => return Err(Trouble::Broken("illegal tag")),
        }
    }
    Ok((key, found))
}

fn value(schema: &Value, wire: Wire<'_>) -> Result<Value, Trouble> {
    if let Some(name) = reference(schema) {
        return named(name, wire);
    }
    Ok(match (schema["type"].as_str(), wire) {
        (Some("string"), Wire::Bytes(bytes)) if schema["format"] == "byte" => {
            base64::encode(bytes).into()
        }
        (Some("string"), Wire::Bytes(bytes)) => text(bytes)?.into(),
        (Some("boolean"), Wire::Number(number)) => (number != 0).into(),
        (Some("integer"), Wire::Number(number)) => number.cast_signed().into(),
        (Some("number"), Wire::Double(number)) => number.into(),
        _ => return Err(Trouble::Broken("illegal wire type")),
    })
}

/// A value of a type with a name.
fn named(name: &str, wire: Wire<'_>) -> Result<Value, Trouble> {
    let Wire::Bytes(bytes) = wire else {
        return value(schemas().get(name), wire);
    };
    match name.rsplit('.').next().unwrap_or(name) {
        "Time" => time(bytes, false),
        "MicroTime" => time(bytes, true),
        "Quantity" => Ok(match first(bytes)? {
            Some(Wire::Bytes(bytes)) => text(bytes)?.into(),
            _ => Value::Null,
        }),
        "IntOrString" => int_or_string(bytes),
        "RawExtension" | "FieldsV1" | "JSON" => match first(bytes)? {
            Some(Wire::Bytes(raw)) => {
                serde_json::from_slice(raw).map_err(|_| Trouble::Unknown(name.to_owned()))
            }
            _ => Ok(Value::Null),
        },
        _ if schemas().get(name)["type"] == "object" => {
            let mut object = Map::new();
            message(name, name, bytes, &mut object)?;
            Ok(object.into())
        }
        _ => value(schemas().get(name), wire),
    }
}

fn first(bytes: &[u8]) -> Result<Option<Wire<'_>>, Trouble> {
    for field in Fields(bytes) {
        if let (1, wire) = field? {
            return Ok(Some(wire));
        }
    }
    Ok(None)
}

/// Seconds since 1970 and what is left in nanoseconds; without either it is no time.
fn time(bytes: &[u8], micro: bool) -> Result<Value, Trouble> {
    let (mut seconds, mut nanos) = (None, 0);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Number(number)) => seconds = Some(number.cast_signed()),
            (2, Wire::Number(number)) => nanos = i32::try_from(number).unwrap_or(0),
            _ => {}
        }
    }
    let Some(seconds) = seconds else {
        return Ok(Value::Null);
    };
    let time = Timestamp::new(seconds, nanos).map_err(|_| Trouble::Broken("no such time"))?;
    let form = match micro {
        true => "%Y-%m-%dT%H:%M:%S%.6fZ",
        false => "%Y-%m-%dT%H:%M:%SZ",
    };
    Ok(time.strftime(form).to_string().into())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, Trouble> {
    let (mut is_text, mut number, mut word) = (false, 0, String::new());
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Number(type_)) => is_text = type_ == 1,
            (2, Wire::Number(value)) => number = value.cast_signed(),
            (3, Wire::Bytes(bytes)) => word = text(bytes)?,
            _ => {}
        }
    }
    Ok(match is_text {
        true => word.into(),
        false => number.into(),
    })
}

fn text(bytes: &[u8]) -> Result<String, Trouble> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned)
        .map_err(|_| Trouble::Broken("a text that is not UTF-8"))
}
