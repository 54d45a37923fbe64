//! `cargo xtask`: sets up, builds, runs, tests and checks. No logic of the product lives here.

mod bench;
mod bench_build;
mod check;
mod command;
mod debian;
mod deploy;
mod emulator;
mod load;
mod machine;
mod needs;
mod package;
mod progress;
mod run;
mod schema;
mod setup;
mod site;
mod test;
mod walls;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask run      set up, build, and start the product against simulators on this machine
cargo xtask test     set up and pass the tests that need no root: Rust, the server, independent clients, the browser
cargo xtask test all | NAME… | browser FILE… | --list    all there are; parts; some files of the browser's; the names
                     --require-all: what cannot be tried here is a failure
cargo xtask ci       check and test all, each once
cargo xtask check    formatting, lints, walls, spelling, unused dependencies
cargo xtask bench [prepared | many | sweep | http | queue]    every number, as ratios against peers, into BENCH.md
cargo xtask bench town     the check of a town's dial plan, and how it grows
cargo xtask bench build    how long building and testing take, against 2026-11-28; about an hour
cargo xtask load [installed] [MINUTES [SEED]]    faults of everything at random for an hour, and what must hold
                     meanwhile: one server on a file, or the package behind nginx with a database, twice
cargo xtask deb      a Debian package (target/dist)
cargo xtask dist     a release archive with checksums and bill of materials, and the package (target/dist)
cargo xtask site     build the browser side alone (target/site)
cargo xtask walls    check who may know whom
cargo xtask help     this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["run"] => run::run(),
        ["ci"] => test::ci(),
        ["test", "--list"] => {
            print!("{}", test::list());
            Ok(())
        }
        ["test", "browser", only @ ..] if !only.is_empty() && !test::is_part(only[0]) => {
            test::browser(site::Build::Shipped, only)
        }
        ["test", words @ ..] => test::of_words(words),
        ["check"] => check::all(),
        ["bench", "build"] => bench_build::all(),
        ["bench", "town"] => bench::town(),
        ["bench", only @ ..] => bench::some(only),
        ["load", "installed", how @ ..] => load::installed(how),
        ["load", how @ ..] => load::one(how),
        ["deb"] => package::deb(),
        ["dist"] => package::dist(),
        ["site"] => site::Build::Shipped.make().map(|_| ()),
        ["walls"] => walls::check(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => {
            eprint!("There is no “{}”.\n\n{HELP}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
