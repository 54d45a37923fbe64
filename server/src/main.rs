//! The door.

/// Thousands of open lines and short answers on a few threads: glibc's allocator holds more and waits for itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::cli::main()
}
