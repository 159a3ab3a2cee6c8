//! The component's entry. Never more than a call: the program is the library beside it.

fn main() {
    guest_box::main();
}
