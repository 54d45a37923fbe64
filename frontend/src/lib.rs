//! The wasm entry: wakes the islands of a page, and nothing else.

// Their exports must stay in the module.
pub use app::islands::*;

/// Called by the page once the module is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
