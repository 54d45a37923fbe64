//! A room device, as far as an emergency needs it: it wakes, sounds, and shows what it is told until it is
//! told to clear it.
//!
//! *Source*: RoomOS's xAPI: commands, their required arguments and their limits.

use super::model::Model;
use serde_json::Value;

/// An argument, its longest text, and whether it must be given.
type Argument = (&'static str, usize, bool);

/// Commands and what they take.
const COMMANDS: &[(&str, &[Argument])] = &[
    ("Standby.Deactivate", &[]),
    ("Audio.Sound.Play", &[("Sound", 40, true), ("Loop", 5, false)]),
    ("Audio.Sound.Stop", &[]),
    ("UserInterface.Message.Alert.Display", &[("Text", 255, true), ("Title", 255, false), ("Duration", 4, false)]),
    ("UserInterface.Message.Alert.Clear", &[]),
    (
        "UserInterface.Message.TextLine.Display",
        &[("Text", 140, true), ("Duration", 4, false), ("X", 5, false), ("Y", 5, false)],
    ),
    ("UserInterface.Message.TextLine.Clear", &[]),
    ("UserInterface.WebView.Display", &[("Url", 2000, true), ("Title", 255, false), ("Mode", 12, false)]),
    ("UserInterface.WebView.Clear", &[]),
];

/// Carries a command out on the device; the status and why not.
///
/// # Errors
/// As the cloud refuses it.
pub fn carry_out(model: &mut Model, device: &str, name: &str, arguments: &Value) -> Result<(), (u16, String)> {
    let refused = |status: u16, why: &str| Err((status, why.to_owned()));
    let Some(endpoint) = model.endpoints.iter_mut().find(|one| one.uuid == device) else {
        return refused(404, "The device could not be found.");
    };
    if !endpoint.online {
        return refused(404, "The device is not reachable.");
    }
    let Some((_, known)) = COMMANDS.iter().find(|(command, _)| *command == name) else {
        return refused(400, "Unknown command");
    };
    let given = arguments.as_object().cloned().unwrap_or_default();
    for (argument, value) in &given {
        let Some((_, longest, _)) = known.iter().find(|(known, ..)| known == argument) else {
            return refused(400, &format!("Unknown argument {argument}"));
        };
        let length = value.as_str().map_or_else(|| value.to_string().len(), |text| text.chars().count());
        if length > *longest {
            return refused(400, &format!("{argument} is too long"));
        }
    }
    if let Some((argument, ..)) = known.iter().find(|(argument, _, must)| *must && !given.contains_key(*argument)) {
        return refused(400, &format!("{argument} is missing"));
    }
    endpoint.took.push(name.to_owned());
    match name.rsplit_once('.') {
        Some((what, "Display" | "Play")) => {
            endpoint.shows.insert(what.to_owned(), arguments.clone());
        }
        Some((what, "Clear" | "Stop")) => {
            endpoint.shows.remove(what);
        }
        _ => {}
    }
    Ok(())
}
