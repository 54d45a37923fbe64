//! The board on the wall of the EOC: nothing to press, readable from the door.

use crate::islands::wall::WallIsland;
use crate::pages::Refused;
use crate::server_functions::incidents::wall;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub(crate) fn WallPage() -> impl IntoView {
    let asked = use_query_map();
    let board = Resource::new(move || asked.read().get("site"), wall);
    view! {
        <Title text="Wall board"/>
        <Suspense>
            {move || board.get().map(|answer| match answer {
                Ok(view) => view! { <main id="main" class="wall"><WallIsland view/></main> }.into_any(),
                Err(error) => view! { <Refused error me=None return_to="/wall"/> }.into_any(),
            })}
        </Suspense>
    }
}
