//! Where keys, salts and serial numbers get their chance from: `wasi:random`, which the host seeds.
//!
//! Never keeps a generator of its own: with a seeded host the same program draws the same bytes.

/// Fills with bytes from the machine's source of chance.
///
/// # Panics
/// When the machine has none, which a machine of the lab always has.
pub fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("every machine has a source of chance");
}

/// So many bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    fill(&mut buffer);
    buffer
}
