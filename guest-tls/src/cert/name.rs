//! Distinguished names.
//!
//! Never printed here: OpenSSL has several ways of that, and `print` has them.

use crate::der::{self, Element, Object, Reader, id, tag};

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `CN`, …
    pub object: Object,
    /// The string's kind.
    pub tag: u8,
    /// Its bytes.
    pub value: Vec<u8>,
}

impl Attribute {
    /// Its text, whatever kind of string it is.
    #[must_use]
    pub fn text(&self) -> String {
        match self.tag {
            tag::BMP_STRING => {
                let units: Vec<u16> = self
                    .value
                    .chunks_exact(2)
                    .map(|two| u16::from_be_bytes([two[0], two[1]]))
                    .collect();
                String::from_utf16_lossy(&units)
            }
            tag::T61_STRING => self.value.iter().map(|byte| char::from(*byte)).collect(),
            _ => String::from_utf8_lossy(&self.value).into_owned(),
        }
    }

    fn to_der(&self) -> Vec<u8> {
        der::sequence(&[
            der::oid(self.object.dotted()),
            der::tagged(self.tag, &self.value),
        ])
    }

    /// What names are compared by: without case, with single spaces.
    fn canonical(&self) -> (Object, String) {
        let text = self.text().to_ascii_lowercase();
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        (self.object.clone(), words.join(" "))
    }
}

/// A name: a sequence of sets of attributes, nearly always of one each.
#[derive(Clone, Debug, Default)]
pub struct Name {
    der: Vec<u8>,
    /// The sets in their order.
    pub sets: Vec<Vec<Attribute>>,
}

/// Equal as OpenSSL compares names.
impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}

impl Eq for Name {}

impl Name {
    pub(crate) fn from_element(element: Element<'_>) -> Option<Self> {
        let mut sets = Vec::new();
        let mut reader = element.inner();
        while !reader.is_done() {
            let mut set = reader.expect(tag::SET)?.inner();
            let mut attributes = Vec::new();
            while !set.is_done() {
                let mut attribute = set.sequence()?;
                let object = attribute.object()?;
                let value = attribute.any()?;
                attributes.push(Attribute {
                    object,
                    tag: value.tag,
                    value: value.body.to_vec(),
                });
            }
            sets.push(attributes);
        }
        Some(Self {
            der: element.raw.to_vec(),
            sets,
        })
    }

    /// Reads DER.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        Self::from_element(Reader::new(der).expect(tag::SEQUENCE)?)
    }

    /// Builds a name of sets of (attribute's name, text).
    ///
    /// # Errors
    /// The name of an attribute that there is not.
    pub fn build(sets: &[Vec<(String, String)>]) -> Result<Self, String> {
        let mut built = Vec::new();
        for set in sets {
            let mut attributes = Vec::new();
            for (name, text) in set {
                let object = Object::named(name).ok_or_else(|| name.clone())?;
                attributes.push(Attribute {
                    tag: string_tag(&object),
                    object,
                    value: text.clone().into_bytes(),
                });
            }
            built.push(attributes);
        }
        let parts: Vec<Vec<u8>> = built
            .iter()
            .map(|set| {
                let mut elements: Vec<Vec<u8>> = set.iter().map(Attribute::to_der).collect();
                elements.sort();
                der::set(&elements)
            })
            .collect();
        Ok(Self {
            der: der::sequence(&parts),
            sets: built,
        })
    }

    /// A name of a common name alone.
    #[must_use]
    pub fn common(text: &str) -> Self {
        Self::build(&[vec![("CN".to_owned(), text.to_owned())]]).unwrap_or_default()
    }

    /// Its DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it has no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The last attribute of this kind.
    #[must_use]
    pub fn last(&self, object: &str) -> Option<String> {
        let mut all = self.sets.iter().flatten().rev();
        all.find(|attribute| attribute.object == *object)
            .map(Attribute::text)
    }

    /// Whether two names are the same to OpenSSL: case and white space do not count.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let canonical = |name: &Self| -> Vec<Vec<(Object, String)>> {
            let set = |set: &Vec<Attribute>| {
                let mut set: Vec<_> = set.iter().map(Attribute::canonical).collect();
                set.sort();
                set
            };
            name.sets.iter().map(set).collect()
        };
        self.der == other.der || canonical(self) == canonical(other)
    }
}

/// Which kind of string OpenSSL writes for an attribute.
fn string_tag(object: &Object) -> u8 {
    match object.dotted() {
        "2.5.4.6" | "2.5.4.5" | "2.5.4.46" => tag::PRINTABLE_STRING,
        id::EMAIL | "0.9.2342.19200300.100.1.25" => tag::IA5_STRING,
        _ => tag::UTF8_STRING,
    }
}
