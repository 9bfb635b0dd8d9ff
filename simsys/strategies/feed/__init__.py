"""Ways to serve a feed: gather at read time, keep a cache, deliver at write time, or both."""
