//! Which subjects are left, as far as one worker knows.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::lease::{Leases, Newest};
use crate::manifest::Manifest;

/// One line's place on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its objects are called.
    pub key: String,
    /// Its index in the manifest.
    pub line: usize,
    /// Which result is wanted: 1, or more where a failed line is tried again.
    pub round: u32,
    done: bool,
}

impl Entry {
    /// What its leases and its checkpoint are called.
    pub fn lease_key(&self) -> String {
        if self.round == 1 { self.key.clone() } else { format!("{}-r{}", self.key, self.round) }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Try to claim this entry; a claim of it was seen if so said.
    Try {
        /// Its index.
        entry: usize,
        /// Whether there was a claim of it.
        claimed: bool,
    },
    /// All that is left is claimed; the first claim runs out after this time.
    Wait(Duration),
    /// Every line has its result.
    Done,
}

/// Which subjects are left.
#[derive(Debug)]
pub struct Board {
    entries: Vec<Entry>,
    queue: VecDeque<usize>,
    leases: HashMap<String, Newest>,
    done: usize,
    dice: u64,
}

impl Board {
    /// All lines: first those whose index leaves `share.0` when divided by `share.1`, then the others; each from a place on
    /// that `dice`, a number of the worker's own, decides, so that workers do not meet.
    pub fn new(manifest: &Manifest, share: (usize, usize), dice: u64) -> Self {
        let entry = |(line, of): (usize, &crate::line::Line)| Entry { key: of.key(), line, round: 1, done: false };
        let entries: Vec<Entry> = manifest.lines.iter().enumerate().map(entry).collect();
        let (index, count) = (share.0, share.1.max(1));
        let (mut own, mut rest): (Vec<usize>, Vec<usize>) =
            (0..entries.len()).partition(|line| line % count == index % count);
        // One share of all starts anywhere; a share of its own from its start, as people expect.
        let start = |part: &[usize]| dice as usize % part.len().max(1);
        let (own_start, rest_start) = (if count == 1 { start(&own) } else { 0 }, start(&rest));
        own.rotate_left(own_start);
        rest.rotate_left(rest_start);
        own.append(&mut rest);
        Self { queue: own.into(), entries, leases: HashMap::new(), done: 0, dice }
    }

    /// An entry.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// All entries, in the manifest's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Lines with a result.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Lines without one.
    pub fn left(&self) -> usize {
        self.entries.len() - self.done
    }

    /// Wants another result of a line.
    pub fn want(&mut self, index: usize, round: u32) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.round = round;
        }
    }

    /// Takes over which lines have which results; the latest result of a line is the one that counts.
    pub fn results(&mut self, rounds: &HashMap<String, u32>) {
        for index in 0..self.entries.len() {
            let Some(entry) = self.entries.get_mut(index) else { continue };
            if let Some(round) = rounds.get(&entry.key).filter(|round| **round >= entry.round) {
                entry.round = *round;
                self.finish(index);
            }
        }
    }

    /// Takes over which subjects are claimed; gives those that were, and are not any more.
    pub fn claims(&mut self, leases: HashMap<String, Newest>) -> Vec<usize> {
        let gone: HashSet<String> = self.leases.keys().filter(|key| !leases.contains_key(*key)).cloned().collect();
        self.leases = leases;
        let is_gone = |entry: &Entry| !entry.done && gone.contains(&entry.lease_key());
        (0..self.entries.len()).filter(|i| is_gone(&self.entries[*i])).collect()
    }

    /// Another has this entry.
    pub fn busy(&mut self, index: usize, newest: Newest) {
        if let Some(entry) = self.entries.get(index) {
            self.leases.insert(entry.lease_key(), newest);
        }
        self.again(index);
    }

    /// This entry is to be tried again later.
    pub fn again(&mut self, index: usize) {
        self.queue.push_back(index);
    }

    /// This entry has its result.
    pub fn finish(&mut self, index: usize) {
        if let Some(entry) = self.entries.get_mut(index)
            && !entry.done
        {
            entry.done = true;
            self.done += 1;
        }
    }

    /// Goes on elsewhere: where one subject was another's, its neighbours are too.
    pub fn jump(&mut self) {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let by = (self.dice >> 33) as usize % self.queue.len().max(1);
        self.queue.rotate_left(by);
    }

    /// What to do next; an entry that is to be tried is out of the queue until it is put [again](Self::again).
    pub fn next(&mut self, leases: &Leases) -> Next {
        let mut wait: Option<Duration> = None;
        for _ in 0..self.queue.len() {
            let Some(index) = self.queue.pop_front() else { break };
            let Some(entry) = self.entries.get(index).filter(|entry| !entry.done) else { continue };
            let newest = self.leases.get(&entry.lease_key());
            let left = newest.map_or(Duration::ZERO, |newest| leases.left(*newest));
            if left.is_zero() {
                return Next::Try { entry: index, claimed: newest.is_some() };
            }
            wait = Some(wait.map_or(left, |wait| wait.min(left)));
            self.queue.push_back(index);
        }
        wait.map_or(Next::Done, Next::Wait)
    }
}
