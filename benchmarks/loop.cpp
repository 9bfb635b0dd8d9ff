// The three systems of systems.py, each played by a plain event loop over a binary heap: what the hardware gives
// to whoever writes the model by hand.
//
//     g++ -O3 -march=native -o loop loop.cpp && ./loop W1 1000000 1
//
// Prints what the others print: a line of JSON, with CPU seconds and means of 20 stretches.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <list>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

// xoshiro256++ (Blackman and Vigna, 2019), seeded by splitmix64
class Random {
    uint64_t s[4];
    static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

public:
    explicit Random(uint64_t seed) {
        for (auto& word : s) {
            uint64_t z = (seed += 0x9e3779b97f4a7c15);
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
            z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
            word = z ^ (z >> 31);
        }
    }
    uint64_t bits() {
        const uint64_t result = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
        s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= t, s[3] = rotl(s[3], 45);
        return result;
    }
    double uniform() { return (double(bits() >> 11) + 0.5) * 0x1p-53; }
    double exponential(double mean) { return -mean * std::log(uniform()); }
    uint32_t below(uint32_t n) { return uint32_t((bits() >> 32) * n >> 32); }
};

// Zipf's law by rejection-inversion (Hörmann and Derflinger, 1996); exponent other than 1
class Zipf {
    double n, s, low, high, sure;
    double area(double x) const { return (std::pow(x, 1 - s) - 1) / (1 - s); }
    double inverse(double a) const { return std::pow(1 + (1 - s) * a, 1 / (1 - s)); }

public:
    Zipf(double n, double s)
        : n(n), s(s), low(area(1.5) - 1), high(area(n + 0.5)), sure(2 - inverse(area(2.5) - std::pow(2, -s))) {}
    uint32_t draw(Random& random) const {
        while (true) {
            const double a = high + random.uniform() * (low - high), x = inverse(a);
            const double k = std::min(std::max(std::floor(x + 0.5), 1.0), n);
            if (k - x <= sure || a >= area(k + 0.5) - std::pow(k, -s)) return uint32_t(k) - 1;
        }
    }
};

class Lru {
    size_t room;
    std::list<uint32_t> used;
    std::unordered_map<uint32_t, std::list<uint32_t>::iterator> place;

public:
    explicit Lru(size_t room) : room(room) { place.reserve(room + 1); }
    bool lookup(uint32_t key) {
        const auto found = place.find(key);
        if (found == place.end()) return false;
        used.splice(used.begin(), used, found->second);
        return true;
    }
    void fill(uint32_t key) {
        if (lookup(key)) return;
        used.push_front(key);
        place[key] = used.begin();
        if (used.size() > room) place.erase(used.back()), used.pop_back();
    }
};

struct Event {
    double time;
    uint32_t kind, who;
    bool operator<(const Event& other) const { return time > other.time; }  // the earliest is on top
};
using Heap = std::priority_queue<Event>;

// First in, first out; whoever is served has an event at the end of the service.
class Station {
    Heap& events;
    Random& random;
    uint32_t kind, idle;
    double mean;
    std::deque<uint32_t> line;

public:
    Station(Heap& events, Random& random, uint32_t kind, uint32_t servers, double mean)
        : events(events), random(random), kind(kind), idle(servers), mean(mean) {}
    void serve(double now, uint32_t who) { events.push({now + random.exponential(mean), kind, who}); }
    void come(double now, uint32_t who) {
        if (idle == 0) return line.push_back(who);
        --idle;
        serve(now, who);
    }
    void leave(double now) {
        if (line.empty()) return void(++idle);
        const uint32_t next = line.front();
        line.pop_front();
        serve(now, next);
    }
};

constexpr int STRETCHES = 20;

struct Played {
    std::vector<double> latency = std::vector<double>(STRETCHES);  // sums, by order of arrival
    uint32_t lookups = 0, hits = 0;                                // in the second half
    double last = 0;
};

Played w1(uint32_t n, uint64_t seed) {
    enum { ARRIVAL, END };
    Random random(seed);
    Heap events;
    Station servers(events, random, END, 8, 0.010);
    std::vector<double> arrived(n);
    Played out;
    events.push({random.exponential(1.0 / 640), ARRIVAL, 0});
    while (!events.empty()) {
        const Event e = events.top();
        events.pop();
        if (e.kind == ARRIVAL) {
            arrived[e.who] = e.time;
            servers.come(e.time, e.who);
            if (e.who + 1 < n) events.push({e.time + random.exponential(1.0 / 640), ARRIVAL, e.who + 1});
        } else {
            servers.leave(e.time);
            out.latency[uint64_t(e.who) * STRETCHES / n] += e.time - arrived[e.who];
        }
    }
    return out;
}

Played w2(uint32_t n, uint64_t seed) {
    enum { ARRIVAL, API_END, DATABASE_END, CACHE_END };
    Random random(seed);
    const Zipf zipf(100'000, 0.99);
    Heap events;
    Station api(events, random, API_END, 16, 1e-3), database(events, random, DATABASE_END, 32, 5e-3);
    std::vector<Station> shards;
    for (uint32_t i = 0; i < 8; ++i) shards.emplace_back(events, random, CACHE_END, 1, 0.1e-3);
    const auto shard = [](uint32_t key) { return key * 0x9e3779b9u >> 29; };
    Lru feed(10'000);
    std::vector<double> arrived(n);
    std::vector<uint32_t> keys(n);
    Played out;
    const auto finish = [&](const Event& e) {
        out.latency[uint64_t(e.who) * STRETCHES / n] += e.time - arrived[e.who];
    };
    events.push({random.exponential(1e-4), ARRIVAL, 0});
    while (!events.empty()) {
        const Event e = events.top();
        events.pop();
        switch (e.kind) {
        case ARRIVAL:
            arrived[e.who] = e.time;
            keys[e.who] = zipf.draw(random);
            api.come(e.time, e.who);
            if (e.who + 1 < n) events.push({e.time + random.exponential(1e-4), ARRIVAL, e.who + 1});
            break;
        case API_END:
            api.leave(e.time);
            shards[shard(keys[e.who])].come(e.time, e.who);
            break;
        case CACHE_END: {
            shards[shard(keys[e.who])].leave(e.time);
            const bool hit = feed.lookup(keys[e.who]);
            if (e.who >= n / 2) ++out.lookups, out.hits += hit;
            if (hit) finish(e);
            else database.come(e.time, e.who);
            break;
        }
        case DATABASE_END:
            database.leave(e.time);
            feed.fill(keys[e.who]);
            finish(e);
        }
    }
    return out;
}

Played w3(uint32_t n, uint64_t seed) {
    constexpr uint32_t WORKERS = 16, SHARDS = 32, BATCH = 500;
    Random random(seed);
    Heap events;
    std::vector<Station> shards;
    for (uint32_t i = 0; i < SHARDS; ++i) shards.emplace_back(events, random, i, 1, 5e-6);
    std::vector<uint32_t> left((n + BATCH - 1) / BATCH);  // writes of each batch that are not done
    uint32_t begun = 0;
    const auto begin_batch = [&](double now) {
        if (begun == left.size()) return;
        const uint32_t first = begun * BATCH, end = std::min(n, first + BATCH);
        left[begun++] = end - first;
        for (uint32_t follower = first; follower < end; ++follower) shards[random.below(SHARDS)].come(now, follower);
    };
    Played out;
    for (uint32_t i = 0; i < WORKERS; ++i) begin_batch(0.0);
    while (!events.empty()) {
        const Event e = events.top();
        events.pop();
        shards[e.kind].leave(e.time);
        out.latency[uint64_t(e.who) * STRETCHES / n] += out.last = e.time;
        if (--left[e.who / BATCH] == 0) begin_batch(e.time);
    }
    return out;
}

int main(int argc, char** argv) {
    if (argc != 4) return std::fprintf(stderr, "loop W1|W2|W3 REQUESTS SEED\n"), 2;
    const std::string system = argv[1];
    const uint32_t n = uint32_t(std::atol(argv[2])), seed = uint32_t(std::atol(argv[3]));
    const std::clock_t begin = std::clock();
    const Played out = system == "W1" ? w1(n, seed) : system == "W2" ? w2(n, seed) : w3(n, seed);
    const double seconds = double(std::clock() - begin) / CLOCKS_PER_SEC;
    std::printf("{\"requests\": %u, \"seconds\": %.6f, \"latency\": [", n, seconds);
    const auto first = [n](int stretch) { return (uint64_t(n) * stretch + STRETCHES - 1) / STRETCHES; };
    for (int i = 0; i < STRETCHES; ++i)
        std::printf("%s%.9g", i ? ", " : "", out.latency[i] / double(first(i + 1) - first(i)));
    std::printf("], \"lookups\": %u, \"hits\": %u, \"last\": %.9g}\n", out.lookups, out.hits, out.last);
}
