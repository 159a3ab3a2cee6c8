//! The component's entry. Never more than a call: the program is the library beside it.

fn main() {
    guest_kit::init();
    let args: Vec<String> = std::env::args().collect();
    guest_kit::exit(guest_station::run(&args).to_le_bytes()[0]);
}
