-- One decision of a SharedLimiter: the same rule as shared_limiter.py, limiter.py and what they use, in Lua.
--
-- KEYS[1]  the key of the state: one value, MessagePack, with the field names of the Python structs
-- ARGV[1]  the request        ARGV[2]  midnights in America/Chicago around now, in order, epoch seconds
-- ARGV[3]  the clock, ARGV[4] the moment and ARGV[5] the home, from tests only. In production clock and moment are the
--          server's time, and home is the id of its replication history, which changes with a restart or a failover
--
-- Returns the reply, or only the moment if the midnights are not those around it.
-- A test holds this script and the Python class equal: change both together.

local DRIFT = 500e-6
local OLDEST_EVERY, LONGEST, LATE = 10, 2.0, 0.25
local POLL, SLOWEST_POLL, SLOWING = 0.01, 0.25, 0.05
local CUT, FLOOR, FIRST, STEP, BACKOFF, LONGEST_HOLD, PASSED = 0.95, 20, 20, 100, 4, 18, 10
local PAUSE, CLAIM, SLOTS_CLAIM = 0.05, 0.35, 0.1
local SKEW, RECHECK = 15 * 60.0, 60.0
local NOTED, GRANTED, WAIT, SPENT, DIFFERS = 0, 1, 2, 3, 4
local INSTANT = 1e-6
local KEPT_FOR = 2 * 86400 -- seconds after the last request; the day's count must outlive the day

local request = cmsgpack.unpack(ARGV[1])
local midnights = cmsgpack.unpack(ARGV[2])
local clock, moment, home
if ARGV[3] then
    clock, moment, home = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
else
    local replication = redis.pcall('INFO', 'replication') -- a table with the error if the user may not run INFO
    home = type(replication) == 'string' and replication:match('master_replid:(%x+)') or ''
    local time = redis.call('TIME')
    clock = tonumber(time[1]) + tonumber(time[2]) / 1e6
    moment = clock
end

local starts, ends
for i = 1, #midnights - 1 do
    if midnights[i] <= moment and moment < midnights[i + 1] then
        starts, ends = midnights[i], midnights[i + 1]
    end
end
if not starts then
    return cmsgpack.pack(moment)
end

-- share (AIMD) -------------------------------------------------------------------------------------------------------

local function share_of(whole, interval)
    return {
        whole = whole,
        interval = interval,
        _missing = 0.0,
        _grown_at = 0.0,
        _shrunk_at = -math.huge,
        _before = 0.0,
        _step = 1.0,
        _hold = 1,
    }
end

-- Add the fields that the rule before this one did not keep, as the Python class does by their defaults.
local function completed(share)
    for name, value in pairs(share_of(share.whole, share.interval)) do
        if share[name] == nil then
            share[name] = value
        end
    end
end

local function grow(share)
    share._grown_at = share._grown_at + share.interval
    share._before, share._missing = share._missing, math.max(0.0, share._missing - share._step)
    share._step = share._step * 2
end

local function available(share, now)
    while (share._missing > 0.0 or share._before > 0.0) and now >= share._grown_at + share.interval do
        grow(share)
    end
    return math.floor(share.whole - share._missing)
end

local function hold(share, now)
    share._grown_at = math.max(share._grown_at, now + (share._hold - 1) * share.interval)
end

local function shrink(share, now, in_use, claim)
    local usable = available(share, now)
    local again = now - share._shrunk_at < share.interval
    if again and not (usable * CUT <= in_use and in_use <= usable) then
        return
    end
    local size = share.whole - share._missing
    local left
    local step = share.whole / STEP
    if share._missing == 0.0 and share._before == 0.0 then
        left, step, share._hold = share.whole * claim, share.whole / FIRST, 1
    elseif share._before > share._missing then
        local passed = share._step > 2 * share.whole / PASSED
        left, share._hold = share.whole - share._before, passed and 1 or math.min(share._hold * BACKOFF, LONGEST_HOLD)
    else
        left, share._hold = size * CUT, again and share._hold or 1
    end
    share._missing = share.whole - math.min(size, math.max(1.0, share.whole / FLOOR, left))
    share._before = share._missing
    share._step = math.max(1.0, step)
    share._shrunk_at, share._grown_at = now, now
    hold(share, now)
end

local function next_growth(share, now)
    if available(share, now) == share.whole then
        return math.huge
    end
    return math.max(share._grown_at + share.interval - now, share.interval * 1e-6)
end

-- window (sliding-window log) ----------------------------------------------------------------------------------------

local function keep(window)
    return window.per * (1 + DRIFT)
end

local function used(window, now)
    local frees, gone = window.frees, 0
    while gone < #frees and frees[gone + 1] <= now do
        gone = gone + 1
    end
    if gone > 0 then
        local left = {}
        for i = gone + 1, #frees do
            left[#left + 1] = frees[i]
        end
        window.frees = left
    end
    return window.under_way + #window.frees
end

local function wait_for(window, now, places)
    local surplus = used(window, now) - places
    if surplus < 0 then
        return 0.0
    end
    local free = window.frees[surplus + 1]
    return free and free - now or math.huge
end

local function stamp(window, answered)
    window.under_way = window.under_way - 1
    local frees, free = window.frees, answered + keep(window)
    local at = #frees + 1
    while at > 1 and frees[at - 1] > free do
        at = at - 1
    end
    table.insert(frees, at, free)
end

-- quota --------------------------------------------------------------------------------------------------------------

local function day(first, last, count)
    return {starts = first, ends = last, used = count, closed_until = 0.0, latest = 0.0}
end

local function day_of(quota)
    local today = quota._today
    if moment < today.starts or moment >= today.ends then
        local known = quota._other
        quota._other = today
        local same = known.starts == starts and (starts < today.starts or known.latest <= moment)
        today = same and known or day(starts, ends, quota.under_way)
        quota._today = today
    end
    today.latest = math.max(today.latest, moment)
    return today
end

local function left_today(quota)
    local today = day_of(quota)
    if moment < today.closed_until then
        return 0
    end
    return math.max(0, quota.daily - today.used)
end

local function resets_at(quota)
    local today = day_of(quota)
    if moment < today.closed_until then
        return today.closed_until
    end
    return today.ends
end

local function take_today(quota)
    local today = day_of(quota)
    today.used = today.used + 1
    quota.under_way = quota.under_way + 1
end

local function landed(quota, counted)
    local today = day_of(quota)
    quota.under_way = quota.under_way - 1
    if not counted then
        today.used = math.max(0, today.used - 1)
    end
end

local function remember(quota, count, day_ends)
    local today = day_of(quota)
    if day_ends == today.ends then
        today.used = math.max(today.used, count)
    end
end

local function close_day(quota)
    local today = day_of(quota)
    local early = moment - today.starts < SKEW and today.used < quota.daily
    today.closed_until = early and moment + RECHECK or today.ends
end

-- limiter ------------------------------------------------------------------------------------------------------------

local function limiter_of()
    return {
        window = {per = request.per, under_way = 0, frees = {}},
        quota = {daily = request.daily, under_way = 0, _today = day(0.0, 0.0, 0), _other = day(0.0, 0.0, 0)},
        places = share_of(request.calls, request.per),
        slots = share_of(request.concurrency, request.per / 4),
        in_flight = 0,
        paused_until = -math.huge,
        refusals = 0,
    }
end

local function released(limiter, counted)
    limiter.in_flight = limiter.in_flight - 1
    landed(limiter.quota, counted)
end

-- shared limiter (leases and fencing) --------------------------------------------------------------------------------

local stored = redis.call('GET', KEYS[1])
local shared
if stored then
    shared = cmsgpack.unpack(stored)
    completed(shared.limiter.places)
    completed(shared.limiter.slots)
else
    shared = {
        limiter = limiter_of(),
        leases = {},
        heads = {},
        began = clock,
        now = clock,
        moved = clock,
        offset = 0.0,
        since_oldest = 0,
        sequence = 0,
        replies = {},
        home = home,
    }
    -- An earlier state may have been lost: a whole window passes before the first call.
    shared.limiter.paused_until = clock + keep(shared.limiter.window)
end

if clock + shared.offset < shared.now then
    shared.offset = shared.now - clock
end
shared.now = math.max(shared.now, clock + shared.offset)
local now = shared.now

local function respond(ruling, again, oldest)
    local limiter = shared.limiter
    local reply = {
        ruling = ruling,
        again = again,
        oldest = oldest or false,
        began = shared.began,
        sequence = shared.sequence,
        heads = #shared.heads,
        use = {
            window_used = used(limiter.window, now),
            window_share = available(limiter.places, now),
            in_flight = limiter.in_flight,
            slot_share = available(limiter.slots, now),
            used_today = day_of(limiter.quota).used,
            left_today = left_today(limiter.quota),
            resets_at = resets_at(limiter.quota),
            refusals = limiter.refusals,
        },
        calls = limiter.places.whole,
        per = limiter.window.per,
        concurrency = limiter.slots.whole,
    }
    redis.call('SET', KEYS[1], cmsgpack.pack(shared), 'EX', KEPT_FOR)
    return cmsgpack.pack(reply)
end

local function ago(age)
    return now - age * (1 - DRIFT)
end

local function find(id)
    for place, lease in ipairs(shared.leases) do
        if lease.id == id then
            return place, lease
        end
    end
end

local function lapse()
    local alive = {}
    for _, lease in ipairs(shared.leases) do
        if lease['until'] <= now then
            if not lease.answered then
                stamp(shared.limiter.window, lease['until'])
            end
            released(shared.limiter, true)
            shared.moved = now
        else
            alive[#alive + 1] = lease
        end
    end
    shared.leases = alive
end

local function pause_from(since)
    local limiter = shared.limiter
    limiter.paused_until = math.max(limiter.paused_until, math.max(shared.began, since) + keep(limiter.window))
end

local function begin_again()
    shared.began = math.max(now, shared.began + INSTANT)
    pause_from(shared.began)
end

local function check_home()
    if home ~= '' and shared.home ~= '' and home ~= shared.home then
        begin_again()
    end
    if home ~= '' then
        shared.home = home
    end
end

local function check_history()
    local window, last, replies = keep(shared.limiter.window), nil, {}
    for _, reply in ipairs(shared.replies) do
        if reply.worker == request.worker then
            last = reply.sequence
        elseif now - reply.at < 2 * window then
            replies[#replies + 1] = reply
        end
    end
    if request.began == shared.began then
        local missing = not last and request.heard < window
        if missing or request.sequence > (last or shared.sequence) then
            begin_again()
        end
    end
    shared.sequence = shared.sequence + 1
    replies[#replies + 1] = {worker = request.worker, sequence = shared.sequence, at = now}
    shared.replies = replies
    return request.began ~= 0 and request.began ~= shared.began
end

local function agrees()
    local limiter = shared.limiter
    if
        limiter.places.whole == request.calls
        and limiter.window.per == request.per
        and limiter.slots.whole == request.concurrency
    then
        return true
    end
    if #shared.leases > 0 or used(limiter.window, now) > 0 then
        return false
    end
    shared.limiter = limiter_of()
    shared.limiter.quota, shared.limiter.paused_until = limiter.quota, limiter.paused_until
    return true
end

local function lease_of(id, ends_at)
    local lease = {id = id, ['until'] = ends_at, answered = false, abandoned = false}
    table.insert(shared.leases, lease)
    return lease
end

local function resume(id, ends_at)
    local limiter = shared.limiter
    limiter.in_flight = limiter.in_flight + 1
    limiter.window.under_way = limiter.window.under_way + 1
    limiter.quota.under_way = limiter.quota.under_way + 1
    return lease_of(id, ends_at)
end

local function renew(held)
    local limiter = shared.limiter
    local ends_at = now + request.lease
    local _, lease = find(held.id)
    if not lease then
        lease = resume(held.id, ends_at)
    end
    if lease.abandoned then
        return
    end
    lease['until'] = math.max(lease['until'], ends_at)
    if held.age >= 0.0 and not lease.answered then
        lease.answered = true
        stamp(limiter.window, ago(held.age))
    end
end

local function abandon(ended)
    local ends_at = now + ended.left * (1 + DRIFT)
    local _, lease = find(ended.id)
    if not lease then
        lease = resume(ended.id, ends_at)
    end
    if lease.abandoned then
        return
    end
    lease.abandoned, lease['until'] = true, ends_at
    if ended.age >= 0.0 and not lease.answered then
        lease.answered = true
        stamp(shared.limiter.window, ago(ended.age))
    end
end

local function finish(ended, lost)
    if ended.left > 0.0 then
        abandon(ended)
        return
    end
    local place, lease = find(ended.id)
    local limiter = shared.limiter
    if not lease or lease.abandoned then
        if lost and not lease and ended.sent then
            limiter.window.under_way = limiter.window.under_way + 1
            stamp(limiter.window, ago(ended.age))
        end
        return
    end
    table.remove(shared.leases, place)
    shared.moved = now
    if not ended.sent and not lease.answered then
        limiter.window.under_way = limiter.window.under_way - 1
        released(limiter, false)
        return
    end
    if not lease.answered then
        stamp(limiter.window, ago(ended.age))
    end
    released(limiter, ended.counted)
end

local function note()
    local limiter, report = shared.limiter, request.report
    for _, age in ipairs(report.ages) do
        limiter.window.under_way = limiter.window.under_way + 1
        stamp(limiter.window, ago(age))
    end
    local today = day_of(limiter.quota)
    today.used = today.used + report.used
    if report.throttled >= 0.0 then
        limiter.refusals = limiter.refusals + 1
        shrink(limiter.places, now, used(limiter.window, now), CLAIM)
        local pause = limiter.window.per * PAUSE * (0.5 + report.throttled)
        limiter.paused_until = math.max(limiter.paused_until, now + pause)
    end
    if report.crowded then
        limiter.refusals = limiter.refusals + 1
        shrink(limiter.slots, now, limiter.in_flight, SLOTS_CLAIM)
        hold(limiter.places, now)
        limiter.paused_until = math.max(limiter.paused_until, now + limiter.window.per * PAUSE)
    end
    if report.spent then
        limiter.refusals = limiter.refusals + 1
        close_day(limiter.quota)
    end
    if report.total >= 0 then
        today.used = math.max(today.used, report.total + limiter.quota.under_way)
    end
end

local function free()
    local limiter = shared.limiter
    if now < limiter.paused_until then
        return 0
    end
    local slots = available(limiter.slots, now) - limiter.in_flight
    return math.min(slots, available(limiter.places, now) - used(limiter.window, now))
end

local function again(before)
    local limiter = shared.limiter
    local wait
    if now < limiter.paused_until then
        wait = limiter.paused_until - now
    else
        wait = wait_for(limiter.window, now, available(limiter.places, now) - before)
        wait = wait > 0 and math.min(wait, next_growth(limiter.places, now)) or math.huge
    end
    if wait < math.huge then
        return math.min(wait, LONGEST)
    end
    if #request.held >= limiter.in_flight and limiter.in_flight >= available(limiter.slots, now) then
        return LONGEST
    end
    return math.min(SLOWEST_POLL, POLL * (1 + before) + (now - shared.moved) * SLOWING)
end

local function goes_first(one, other)
    if one.priority ~= other.priority then
        return one.priority < other.priority
    end
    if one.since ~= other.since then
        return one.since < other.since
    end
    return one.worker < other.worker
end

local function grant_or_wait()
    local wanted, limiter = request.wanted, shared.limiter
    local _, known = find(wanted.id)
    if known then
        if not known.abandoned then
            known['until'] = math.max(known['until'], now + request.lease)
        end
        return respond(GRANTED, 0.0)
    end
    local others = {}
    for _, head in ipairs(shared.heads) do
        if head.worker ~= request.worker then
            others[#others + 1] = head
        end
    end
    if left_today(limiter.quota) == 0 then
        shared.heads = others
        return respond(SPENT, resets_at(limiter.quota) - moment)
    end
    local mine = {
        worker = request.worker,
        priority = wanted.priority,
        since = now - wanted.waited,
        oldest = now - wanted.oldest,
        due = now,
    }
    local oldest = mine
    for _, head in ipairs(others) do
        if head.oldest < oldest.oldest or (head.oldest == oldest.oldest and head.worker < oldest.worker) then
            oldest = head
        end
    end
    local turn = shared.since_oldest >= OLDEST_EVERY
    local before = 0
    if not (turn and oldest == mine) then
        for _, head in ipairs(others) do
            if goes_first(head, mine) or (turn and head == oldest) then
                before = before + 1
            end
        end
    end
    if free() <= before then
        local wait = again(before)
        mine.due = now + wait
        table.insert(others, mine)
        shared.heads = others
        return respond(WAIT, wait)
    end
    shared.heads = others
    shared.moved = now
    lease_of(wanted.id, now + request.lease)
    limiter.in_flight = limiter.in_flight + 1
    limiter.window.under_way = limiter.window.under_way + 1
    take_today(limiter.quota)
    local patient = turn and oldest == mine
    shared.since_oldest = patient and 0 or shared.since_oldest + 1
    return respond(GRANTED, 0.0, patient)
end

lapse()
check_home()
local lost = check_history()
if lost then
    pause_from(ago(request.heard))
    remember(shared.limiter.quota, request.used_today, request.day_ends)
end
if not agrees() then
    return respond(DIFFERS, 0.0)
end
local limiter = shared.limiter
limiter.quota.daily = request.daily
for _, held in ipairs(request.held) do
    renew(held)
end
for _, ended in ipairs(request.ended) do
    finish(ended, lost)
end
note()
local heads = {}
for _, head in ipairs(shared.heads) do
    if now <= head.due + LATE and not (head.worker == request.worker and request.leaves) then
        heads[#heads + 1] = head
    end
end
shared.heads = heads
if not request.wanted then
    return respond(NOTED, 0.0)
end
return grant_or_wait()
