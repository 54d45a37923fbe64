//! Where calls go: callers on the left, places on the right, normal and locked side by side. Drawn by the server, as
//! pictures that need no script; the table beneath says the same.

use crate::view::{EndView, FlowView};
use leptos::prelude::*;

/// In units of the picture, as all lengths here.
const WIDTH: usize = 360;
const ROW: usize = 52;
/// Where bands leave the callers' names and reach the places'.
const LEFT: usize = 124;
const RIGHT: usize = 246;

/// In this order from top to bottom.
const PLACES: [&str; 8] =
    ["PSTN", "Emergency", "Emergency (part)", "EOC", "Inside", "On-net", "Blocked", "Not understood"];

#[component]
pub(crate) fn FlowPicture(flows: Vec<FlowView>) -> impl IntoView {
    let ends = || flows.iter().flat_map(|flow| flow.normal.iter().chain(&flow.locked));
    let places: Vec<&'static str> = PLACES.into_iter().filter(|place| ends().any(|end| end.place == *place)).collect();
    let panel = |title: &'static str, of: fn(&FlowView) -> &Vec<EndView>| {
        let drawing = drawing(&flows, &places, of);
        view! {
            <figure>
                <figcaption>{title}</figcaption>
                {drawing}
            </figure>
        }
    };
    let panels = [panel("Normal", |flow| &flow.normal), panel("Locked", |flow| &flow.locked)];
    view! {
        <div class="flows">{panels.into_iter().collect_view()}</div>
        <FlowTable flows/>
    }
}

fn drawing(flows: &[FlowView], places: &[&'static str], of: fn(&FlowView) -> &Vec<EndView>) -> impl IntoView + use<> {
    let height = ROW * flows.len().max(places.len()).max(1);
    let most = flows.iter().map(|flow| flow.count).max().unwrap_or(1).max(1);
    let mut quiet = Vec::new();
    let mut loud = Vec::new();
    for (row, flow) in flows.iter().enumerate() {
        for end in of(flow) {
            let Some(place) = places.iter().position(|name| *name == end.place) else { continue };
            let from = middle(row, flows.len(), height);
            let to = middle(place, places.len(), height);
            let bands = if end.leak { &mut loud } else { &mut quiet };
            bands.push(band(from, to, thickness(flow.count, most), end, flow));
        }
    }
    let reached: Vec<bool> =
        places.iter().map(|place| flows.iter().any(|flow| of(flow).iter().any(|end| end.place == *place))).collect();
    let callers: Vec<_> =
        flows.iter().enumerate().map(|(row, flow)| caller(flow, middle(row, flows.len(), height))).collect();
    let names = places.iter().enumerate().map(|(at, place)| {
        let y = middle(at, places.len(), height);
        view! { <text class="flow-place" data-reached=reached[at].to_string() x=RIGHT + 8 y=y + 5>{*place}</text> }
    });
    let names: Vec<_> = names.collect();
    view! {
        <svg class="flow" viewBox=format!("0 0 {WIDTH} {height}") role="group" aria-label="A picture of what the table below says">
            {quiet}{loud}{callers}{names}
        </svg>
    }
}

fn middle(at: usize, of: usize, height: usize) -> usize {
    height * (2 * at + 1) / (2 * of.max(1))
}

/// Between 2 and 12: a hundred times the devices do not make a hundred times the band.
fn thickness(count: usize, most: usize) -> usize {
    2 + 10 * (count + 1).ilog2() as usize / ((most + 1).ilog2() as usize).max(1)
}

fn band(from: usize, to: usize, thickness: usize, end: &EndView, flow: &FlowView) -> AnyView {
    let bend = LEFT.midpoint(RIGHT);
    let path = format!("M{LEFT} {from}C{bend} {from} {bend} {to} {RIGHT} {to}");
    let stroke = view! { <path class="flow-band" data-place=end.place.clone() data-leak=end.leak.to_string() d=path stroke-width=thickness></path> };
    if !end.leak {
        return stroke.into_any();
    }
    let says = format!("{} {}: a way past the lock, {}", flow.count, flow.kind, end.place);
    view! { <a href="#leaks" aria-label=says>{stroke}</a> }.into_any()
}

/// A number, and under it what it counts, in two lines where one is too long.
fn caller(flow: &FlowView, y: usize) -> impl IntoView + use<> {
    let (first, second) = split(&flow.kind);
    let second = second.map(|text| view! { <tspan x=LEFT - 8 dy="14">{text}</tspan> });
    view! {
        <text class="flow-caller" x=LEFT - 8 y=y - 2>
            <tspan class="flow-count">{flow.count}</tspan>
            <tspan x=LEFT - 8 dy="15">{first}</tspan>
            {second}
        </text>
    }
}

/// Letters that one line of a name has room for.
const LETTERS: usize = 14;

fn split(name: &str) -> (String, Option<String>) {
    if name.chars().count() <= LETTERS {
        return (name.to_owned(), None);
    }
    let head = name.match_indices(' ').map(|(at, _)| at).take_while(|at| *at <= LETTERS).last();
    head.map_or_else(|| (name.to_owned(), None), |at| (name[..at].to_owned(), Some(name[at + 1..].to_owned())))
}

#[component]
fn FlowTable(flows: Vec<FlowView>) -> impl IntoView {
    let row = |flow: FlowView| {
        view! {
            <tr>
                <th scope="row">{format!("{} {}", flow.count, flow.kind)}</th>
                <td data-is="normal">{listed(&flow.normal)}</td>
                <td data-is="locked">{listed(&flow.locked)}</td>
            </tr>
        }
    };
    view! {
        <table class="steps">
            <caption class="visually-hidden">"Where calls go"</caption>
            <thead><tr><th scope="col">"From"</th><th scope="col">"Normal"</th><th scope="col">"Locked"</th></tr></thead>
            <tbody>{flows.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

fn listed(ends: &[EndView]) -> impl IntoView + use<> {
    if ends.is_empty() {
        return "Nowhere".into_any();
    }
    let one = |end: &EndView| {
        if end.leak {
            view! { <li><a class="leak" href="#leaks">{format!("past the lock: {}", end.place)}</a></li> }.into_any()
        } else {
            view! { <li>{end.place.clone()}</li> }.into_any()
        }
    };
    view! { <ul class="ends">{ends.iter().map(one).collect_view()}</ul> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_broken_at_a_blank_and_loses_nothing() {
        assert_eq!(split("phones"), ("phones".into(), None));
        assert_eq!(split("phones of the EOC"), ("phones of the".into(), Some("EOC".into())));
        assert_eq!(split("remote destination profiles"), ("remote".into(), Some("destination profiles".into())));
        assert_eq!(split("calling search spaces"), ("calling search".into(), Some("spaces".into())));
    }

    #[test]
    fn a_thousand_devices_make_a_thicker_band_than_one_and_none_is_invisible() {
        assert!(thickness(0, 1) >= 2 && thickness(5000, 5000) <= 12);
        assert!(thickness(1, 5000) < thickness(1000, 5000));
    }
}
