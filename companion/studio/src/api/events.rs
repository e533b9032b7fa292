//! Server-sent events: what every open page hears.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt};

use crate::app::App;
use crate::events::Event;

/// Events from now on. A page that was too slow is told to look at everything again.
pub(super) async fn stream(State(app): State<App>) -> Sse<impl Stream<Item = Result<Sent, Infallible>>> {
    let heard = BroadcastStream::new(app.studio.events.listen());
    let until_closed = heard.take_while(|event| !matches!(event, Ok(Event::Closing)));
    let sent = until_closed.map(|event| {
        let told = match event {
            Ok(event) => {
                let name = if matches!(event, Event::Progress { .. }) { "progress" } else { "changed" };
                Sent::default().event(name).json_data(&event)
            }
            Err(_) => Sent::default().event("changed").json_data(serde_json::json!({ "what": "everything" })),
        };
        // What is told is plain enough to be JSON.
        Ok(told.unwrap_or_default())
    });
    Sse::new(sent).keep_alive(KeepAlive::default())
}
