//! Names for containers that nobody named: an adjective and somebody remarkable, drawn from a
//! stream of the seed. The words are ours. Never looks whether a name is taken.

use rand::RngExt;

const ADJECTIVES: [&str; 32] = [
    "able", "amber", "bold", "brave", "brisk", "calm", "clever", "cosy", "curious", "eager",
    "fair", "gentle", "glad", "happy", "honest", "jolly", "keen", "kind", "lively", "lucid",
    "mellow", "merry", "modest", "neat", "patient", "proud", "quiet", "sharp", "steady", "sunny",
    "swift", "warm",
];

const PEOPLE: [&str; 32] = [
    "babbage", "boole", "cerf", "clarke", "curie", "davies", "dijkstra", "euler", "feynman",
    "floyd", "gauss", "germain", "goodall", "hamilton", "hopper", "hypatia", "jacobson", "kahn",
    "kilby", "lamarr", "lovelace", "murai", "noether", "perlman", "postel", "ritchie", "seki",
    "shannon", "turing", "wing", "yalow", "yukawa",
];

/// The next name.
pub(super) fn draw(chance: &mut clock::Stream) -> String {
    let adjective = ADJECTIVES[chance.random_range(0..ADJECTIVES.len() as u64) as usize];
    let person = PEOPLE[chance.random_range(0..PEOPLE.len() as u64) as usize];
    format!("{adjective}_{person}")
}

/// 64 hexadecimal digits.
pub(super) fn id(chance: &mut clock::Stream) -> String {
    (0..4)
        .map(|_| format!("{:016x}", chance.random::<u64>()))
        .collect()
}
