//! A body as a batch: an upsert for each row.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::collections::{CONVERSATIONS, Collection, MESSAGES, OUTPUTS, REQUESTS, RESPONSES};

/// The body of a request to the batch API.
#[derive(Debug)]
pub struct Batch {
    /// Its JSON.
    pub body: String,
    rows: usize,
}

type Fields = Map<String, Value>;

#[derive(Deserialize)]
struct Post {
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    id: Uuid,
    messages: Vec<Message>,
    #[serde(flatten)]
    fields: Fields,
}

#[derive(Deserialize)]
struct Message {
    message_id: Uuid,
    request: Option<Fields>,
    response: Option<Fields>,
    output: Option<Fields>,
    #[serde(flatten)]
    fields: Fields,
}

impl Batch {
    /// The rows of a body that is for this visitor. A part has the id of its message: the one that a
    /// device gave it is unique on that device only.
    pub fn of(body: &str, visitor: &str) -> Result<Self> {
        let post: Post = serde_json::from_str(body)?;
        let mut upserts = Vec::new();
        for mut conversation in post.conversations {
            let conversation_id = record_id(conversation.id);
            conversation.fields.insert("visitor".into(), visitor.into());
            upserts.push(upsert(
                &CONVERSATIONS,
                &conversation_id,
                conversation.fields,
            ));
            for mut message in conversation.messages {
                let message_id = record_id(message.message_id);
                let parent = conversation_id.as_str().into();
                message.fields.insert("conversation".into(), parent);
                upserts.push(upsert(&MESSAGES, &message_id, message.fields));
                for (collection, part) in [
                    (&REQUESTS, message.request),
                    (&RESPONSES, message.response),
                    (&OUTPUTS, message.output),
                ] {
                    let Some(mut part) = part else { continue };
                    let client_id = part.remove("id").unwrap_or_default();
                    part.insert("client_id".into(), client_id);
                    part.insert("message".into(), message_id.as_str().into());
                    upserts.push(upsert(collection, &message_id, part));
                }
            }
        }
        Ok(Self {
            rows: upserts.len(),
            body: json!({"requests": upserts}).to_string(),
        })
    }

    /// Makes sure that the answer has a good status for each row.
    pub fn check(&self, answer: &[u8]) -> Result<()> {
        #[derive(Deserialize)]
        struct Row {
            status: u16,
        }
        let rows: Vec<Row> = serde_json::from_slice(answer)?;
        ensure!(
            rows.len() == self.rows && rows.iter().all(|row| row.status == 200),
            "PocketBase wrote not all of {} rows: {}",
            self.rows,
            String::from_utf8_lossy(answer)
        );
        Ok(())
    }
}

/// PocketBase's ids have no hyphens.
fn record_id(id: Uuid) -> String {
    id.simple().to_string()
}

fn upsert(collection: &Collection, id: &str, mut fields: Fields) -> Value {
    fields.insert("id".into(), id.into());
    json!({
        "method": "PUT",
        "url": format!("/api/collections/{}/records", collection.name),
        "body": fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::{Shape, body};

    const SHAPE: Shape = Shape {
        conversations: 2,
        messages: 3,
    };

    fn batch() -> (Batch, Vec<Value>) {
        let batch = Batch::of(&body(SHAPE, 7), "somebody").unwrap();
        let mut json: Value = serde_json::from_str(&batch.body).unwrap();
        let Value::Array(requests) = json["requests"].take() else {
            panic!("no array of requests: {json}");
        };
        (batch, requests)
    }

    #[test]
    fn each_row_of_a_body_is_an_upsert_and_comes_after_the_one_it_refers_to() {
        let post: Value = serde_json::from_str(&body(SHAPE, 7)).unwrap();
        let (_, requests) = batch();
        assert_eq!(requests.len(), 2 * (1 + 3 * 4));
        assert!(requests.iter().all(|request| request["method"] == "PUT"));

        let hex = |id: &Value| id.as_str().unwrap().replace('-', "");
        let conversation = &post["conversations"][1];
        let message = &conversation["messages"][2];
        let sent = &requests[13];
        assert_eq!(sent["url"], "/api/collections/conversations/records");
        assert_eq!(sent["body"]["id"], hex(&conversation["id"]));
        assert_eq!(sent["body"]["visitor"], "somebody");
        assert_eq!(sent["body"]["title"], conversation["title"]);
        assert!(sent["body"].get("messages").is_none());

        let sent = &requests[22];
        assert_eq!(sent["url"], "/api/collections/messages/records");
        assert_eq!(sent["body"]["id"], hex(&message["message_id"]));
        assert_eq!(sent["body"]["conversation"], hex(&conversation["id"]));
        assert_eq!(sent["body"]["metadata"], message["metadata"]);
        assert!(sent["body"].get("request").is_none());

        for (place, part) in [(23, "request"), (24, "response"), (25, "output")] {
            let sent = &requests[place];
            let url = format!("/api/collections/message_{part}s/records");
            assert_eq!(sent["url"], url);
            assert_eq!(sent["body"]["id"], hex(&message["message_id"]));
            assert_eq!(sent["body"]["message"], hex(&message["message_id"]));
            assert_eq!(sent["body"]["client_id"], message[part]["id"]);
        }
        assert_eq!(
            requests[25]["body"]["output_content_text"],
            message["output"]["output_content_text"]
        );
    }

    #[test]
    fn each_field_that_is_sent_is_one_of_its_collection() {
        let ids = [("conversations", "1".to_owned()), ("messages", "2".into())];
        for request in batch().1 {
            let url = request["url"].as_str().unwrap();
            let name = url.split('/').nth(3).unwrap();
            let collection = super::super::collections::ALL
                .into_iter()
                .find(|collection| collection.name == name)
                .unwrap();
            let definition = collection.definition(&ids).unwrap();
            let fields = definition["fields"].as_array().unwrap();
            for field in request["body"].as_object().unwrap().keys() {
                assert!(
                    fields.iter().any(|known| known["name"] == field.as_str()),
                    "{name} has no {field}"
                );
            }
        }
    }

    #[test]
    fn an_answer_that_has_no_good_status_for_each_row_is_an_error() {
        let (batch, requests) = batch();
        let answer = |count| vec![json!({"status": 200, "body": {"id": "x"}}); count];
        let check = |rows: Vec<Value>| batch.check(Value::Array(rows).to_string().as_bytes());
        check(answer(requests.len())).unwrap();
        check(answer(requests.len() - 1)).unwrap_err();
        let mut bad = answer(requests.len());
        bad[4] = json!({"status": 400, "body": {"message": "Failed to create record."}});
        let error = check(bad).unwrap_err().to_string();
        assert!(error.contains("Failed to create record."), "{error}");
    }
}
