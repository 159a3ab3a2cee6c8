//! The program around the library: arguments in, an exit code out.

fn main() {
    guest_kit::init();
    let args: Vec<String> = std::env::args().skip(1).collect();
    guest_kit::exit(guest_curl::run(&args))
}
