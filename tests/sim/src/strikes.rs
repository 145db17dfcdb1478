//! What happens by itself while clients pay: isolates restart, processors fail, clocks jump, cardholders dispute.

use std::rc::Rc;

use crate::notices;
use crate::trace::Actor;
use crate::world::World;

/// Each second or so, the weather may strike by itself.
pub fn strike(world: &Rc<World>) {
    let again = Rc::clone(world);
    let pause = world.draw(|random| random.between(500, 8_000));
    world.scheduler.after(pause, move || {
        let world = again;
        if world.clients.get() == 0 {
            return;
        }
        if world.strikes(|weather| weather.isolate_restarts) {
            let isolate = world.draw(|random| random.below(world.isolates.len() as u64)) as usize;
            world.restart(isolate);
        }
        if world.strikes(|weather| weather.everything_stops) {
            (0..world.isolates.len()).for_each(|isolate| world.restart(isolate));
            world.workers.stop(&world);
            let note = || "FAULT: everything stops, and the queues are empty".to_owned();
            world.scheduler.note(Actor::World, 0x5709, note);
        }
        if world.strikes(|weather| weather.processor_fails) {
            let until = world.now() + {
                let most = world.weather().longest_outage();
                world.draw(|random| random.between(1_000, most))
            };
            let accounts = world.processor.borrow().accounts();
            let place = world.draw(|random| random.below(2 * accounts));
            world.processor.borrow_mut().fail_until(place, until);
            let note = || format!("FAULT: the processor is down for {place} until {until}");
            world.scheduler.note(Actor::World, 0xd0, note);
        }
        if world.strikes(|weather| weather.disputes) {
            dispute(&world);
        }
        if world.strikes(|weather| weather.clock_jumps) {
            let skew = world.draw(|random| random.between(-20_000, 20_000));
            let place = world.draw(|random| random.below(world.isolates.len() as u64 + 1)) as usize;
            let clock = world.isolates.get(place).map_or(&world.workers.skew, |one| &one.skew);
            clock.set(skew);
            let note = || format!("FAULT: the clock of {place} is {skew} ms off");
            world.scheduler.note(Actor::World, 0xc1, note);
        }
        strike(&world);
    });
}

/// A cardholder asks their bank for their money, and the bank decides, each in its own time.
fn dispute(world: &Rc<World>) {
    let payment = {
        let processor = world.processor.borrow();
        let taken: Vec<_> = processor.payments().iter().filter(|paid| paid.is_taken()).collect();
        let place = world.draw(|random| random.below(taken.len() as u64)) as usize;
        taken.get(place).map(|paid| paid.id.clone())
    };
    let share = world.draw(|random| random.pick(&[100, 100, 40]));
    let Some(payment) = payment else { return };
    let opened = world.processor.borrow_mut().dispute(&payment, share);
    let Some(id) = opened else { return };
    world.scheduler.note(Actor::Processor, 0xd15, || format!("{payment} is disputed as {id}"));
    notices::send_off(world);
    let (soon, later, end) = world.draw(|random| {
        let soon = random.between(1_000, 1_200_000);
        (soon, soon + random.between(500, 1_200_000), random.pick(&["won", "lost"]))
    });
    let is_answered = world.draw(|random| random.chance(7_000));
    let steps = [(soon, is_answered.then_some("under_review")), (later, Some(end))];
    for (pause, status) in steps {
        world.notices.borrow_mut().open += 1;
        // Nobody answered it: there is nothing to decide.
        let status = if is_answered { status } else { status.map(|_| "lost") };
        let (world, id) = (Rc::clone(world), id.clone());
        let scheduler = Rc::clone(&world);
        scheduler.scheduler.after(pause, move || {
            if let Some(status) = status {
                world.processor.borrow_mut().move_dispute(&id, status);
                notices::send_off(&world);
            }
            world.notices.borrow_mut().open -= 1;
        });
    }
}
