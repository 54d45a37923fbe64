//! Wakes the queue of a page that has a line of its own.

use crate::live::listen;
use crate::queue;
use crate::view::Live;
use leptos::prelude::*;

/// `searched`: what is shown was searched for, and news only changes it.
#[island]
pub fn QueueIsland(searched: bool) -> impl IntoView {
    listen("/ui/live".to_owned(), move |news| match news {
        Live::Request(new) if !searched || queue::shows(&new.id) => queue::take(&new),
        Live::Gone(id) => queue::forget(&id),
        _ => {}
    });
    Effect::new(queue::wake);
}
