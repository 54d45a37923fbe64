//! Wakes the queue of a page that has a line of its own.

use crate::live::listen;
use crate::queue;
use crate::view::Live;
use leptos::prelude::*;

/// `searched`: what is shown was searched for, and news only changes it.
#[island]
pub fn QueueIsland(searched: bool) -> impl IntoView {
    listen("/ui/live".to_owned(), move |news| {
        if let Live::Request(new) = news {
            let known = web_sys::window()
                .and_then(|window| window.document())
                .is_some_and(|document| document.get_element_by_id(&new.id).is_some());
            if known || !searched {
                queue::take(&new);
            }
        }
    });
    Effect::new(queue::wake);
}
