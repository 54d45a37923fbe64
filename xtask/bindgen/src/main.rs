//! `bindgen MODULE FOLDER NAME`: writes the bindings of a wasm module into a folder. A program of its own: what it is made
//! of takes a minute to compile, and the browser side needs it last.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder, name] = arguments.as_slice() else { bail!("bindgen MODULE FOLDER NAME") };
    let folder = Path::new(folder);
    bind(Path::new(module), folder, name)?;
    drop_streams(&folder.join(format!("{name}.wasm")))?;
    drop_classes(&folder.join(format!("{name}.js")))
}

fn bind(module: &Path, folder: &Path, name: &str) -> Result<()> {
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path(module).web(true)?.typescript(false).omit_default_module_path(false).out_name(name);
    bindgen.generate(folder).context("wasm-bindgen")?;
    // Leptos asks for NAME.wasm where LEPTOS_OUTPUT_NAME is set.
    fs::rename(folder.join(format!("{name}_bg.wasm")), folder.join(format!("{name}.wasm")))?;
    Ok(())
}

/// Exports keep what is behind them: leptos' streams, which no page of ours uses, are one and a half kilobytes.
fn drop_streams(file: &Path) -> Result<()> {
    let mut module = walrus::Module::from_file(file)?;
    let streams: Vec<_> =
        module.exports.iter().filter(|export| export.name.contains("intounderlying")).map(walrus::Export::id).collect();
    for export in streams {
        module.exports.delete(export);
    }
    module.emit_wasm_file(file)
}

/// The classes of those streams, which nobody makes.
fn drop_classes(file: &Path) -> Result<()> {
    let mut script = fs::read_to_string(file)?;
    while let Some(begin) = script.find("export class IntoUnderlying") {
        let class = &script[begin..];
        let end = class.find(".prototype.free;\n").map(|end| end + ".prototype.free;\n".len());
        script.replace_range(begin..begin + end.context("wasm-bindgen writes classes otherwise now")?, "");
    }
    Ok(fs::write(file, script)?)
}
