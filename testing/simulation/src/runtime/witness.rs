//! A subscriber that hears of everything at the very moment at which it is told, and looks at what is published then.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use leader_election::__private::SharedState;
use leader_election::Event;
use protocol::Term;
use tokio::sync::{broadcast, watch};

/// It is its own waker: the call that tells of an event wakes it, and it listens within that call. So it sees what a
/// subscriber on another thread may see, and not only what is published when the driver comes to rest.
pub struct Witness {
    listening: Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    told: Vec<String>,
    /// The leadership that was told of, until its end was.
    leads: Option<Term>,
    contradiction: Option<String>,
}

impl Witness {
    pub fn new(mut heard: broadcast::Receiver<Event>, published: watch::Receiver<SharedState>) -> Arc<Self> {
        let notes = Arc::new(Mutex::new(Notes::default()));
        let listening = {
            let notes = Arc::clone(&notes);
            async move {
                loop {
                    match heard.recv().await {
                        Ok(event) => {
                            let state = published.borrow().clone();
                            notes.lock().unwrap_or_else(PoisonError::into_inner).take(&event, &state);
                        }
                        Err(broadcast::error::RecvError::Lagged(missed)) => {
                            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
                            notes.contradiction = Some(format!("{missed} events were not heard at once"));
                        }
                        Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
                    }
                }
            }
        };
        let witness = Arc::new(Self { listening: Mutex::new(Box::pin(listening)), notes });
        Arc::clone(&witness).wake();
        witness
    }

    /// The leadership that was told of and whose end was not.
    pub fn leads(&self) -> Option<Term> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).leads
    }

    /// What was told since this was last asked.
    ///
    /// # Errors
    /// Something that was told and that what was published contradicted at that moment.
    pub fn told(&self) -> Result<Vec<String>, String> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let told = std::mem::take(&mut notes.told);
        notes.contradiction.take().map_or(Ok(told), Err)
    }
}

impl Wake for Witness {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(Arc::clone(&self));
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = listening.as_mut().poll(&mut Context::from_waker(&waker));
    }
}

impl Notes {
    fn take(&mut self, event: &Event, state: &SharedState) {
        self.told.push(format!("{event:?}"));
        let held = state.lease.map(|lease| lease.term);
        let (agrees, leads) = match event {
            Event::BecameLeader { term, .. } => (self.leads.is_none() && held == Some(*term), Some(*term)),
            Event::LostLeadership { term, .. } => (self.leads == Some(*term) && held != Some(*term), None),
            Event::Stopped { .. } | Event::Replaced | Event::Crashed { .. } => {
                (self.leads.is_none() && held.is_none() && state.exit.is_some(), None)
            }
            _ => (true, self.leads),
        };
        if !agrees {
            let leads = self.leads;
            self.contradiction.get_or_insert_with(|| {
                format!(
                    "told {event:?} while the lease of {held:?} was published, last told to lead in {leads:?}"
                )
            });
        }
        self.leads = leads;
    }
}
