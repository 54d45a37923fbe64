//! Calling search spaces. A list never carries members; a get does.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Css {
    pub uuid: String,
    pub name: String,
    /// Partition names in the order of their index, not of the document.
    pub members: Vec<String>,
}

impl Client {
    /// Uuid and name of every calling search space.
    ///
    /// # Errors
    /// As every read.
    pub async fn css_names(&self) -> Result<Vec<(String, String)>, Error> {
        let rows = self.list(&Request::read("listCss").search("name", "%").returned(&["name"]), "css").await?;
        Ok(rows.iter().filter_map(|row| Some((row.uuid.clone()?, row.text_of("name")?))).collect())
    }

    /// One calling search space with its ordered members.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none with that uuid; else as every read.
    pub async fn css(&self, uuid: &str) -> Result<Css, Error> {
        let braced = format!("{{{}}}", uuid.trim_matches(['{', '}']));
        let request = Request::read("getCss").text("uuid", &braced).returned(&["members", "name"]);
        let answer = self.call(&request).await?;
        let not_found = || Error::NotFound { what: format!("calling search space {uuid}") };
        let css = answer.find("css").ok_or_else(not_found)?;
        let mut members: Vec<(u32, String)> = css
            .child("members")
            .into_iter()
            .flat_map(|members| members.children_named("member"))
            .filter_map(|member| {
                let index = member.text_of("index").and_then(|text| text.parse().ok()).unwrap_or(u32::MAX);
                Some((index, member.text_of("routePartitionName")?))
            })
            .collect();
        members.sort_by_key(|(index, _)| *index);
        Ok(Css {
            uuid: css.uuid.clone().unwrap_or_else(|| uuid.to_owned()),
            name: css.text_of("name").ok_or_else(not_found)?,
            members: members.into_iter().map(|(_, name)| name).collect(),
        })
    }

    /// Replaces all members, in this order: one write, and its own exact inverse.
    ///
    /// # Errors
    /// As every write; [`Error::OutcomeUnknown`] must be read back.
    pub async fn set_css_members(&self, uuid: &str, members: &[String]) -> Result<(), Error> {
        let request = Request::write("updateCss", uuid).group("members", |request| {
            members.iter().enumerate().fold(request, |request, (at, name)| {
                request.group("member", |member| {
                    member.text("routePartitionName", name).text("index", &(at + 1).to_string())
                })
            })
        });
        self.call(&request).await.map(|_| ())
    }
}
