BEGIN TRANSACTION;
CREATE TABLE counters (           -- what happened how often, by the owner's local day
    day TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,          -- of what kind, or whose; '' where there is only one
    value INTEGER NOT NULL,
    PRIMARY KEY (day, name, label)
) WITHOUT ROWID;
INSERT INTO "counters" VALUES('2026-11-27','pictures_made','atelier',1);
INSERT INTO "counters" VALUES('2026-11-27','pictures_made','dear',1);
INSERT INTO "counters" VALUES('2026-11-27','pictures_sent','made',2);
INSERT INTO "counters" VALUES('2026-11-27','pictures_sent','stored',3);
INSERT INTO "counters" VALUES('2026-11-27','requests','GET /operation/result/{id} 2xx',10);
INSERT INTO "counters" VALUES('2026-11-27','requests','POST /operation/start 2xx',5);
INSERT INTO "counters" VALUES('2026-11-27','requests','POST /prompt/add 2xx',1);
CREATE TABLE frames (             -- where each frame stands in its lap through the stored pictures
    frame TEXT NOT NULL,
    scope TEXT NOT NULL,          -- '' for everything stored, else one provider's folder
    seed INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    position INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    ahead TEXT NOT NULL,          -- newer pictures it has seen already: ids with spaces between them
    last_seen REAL NOT NULL, shown INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (frame, scope)
) WITHOUT ROWID;
INSERT INTO "frames" VALUES('127.0.0.1','',995884217598325500,1,3,3,3,'4 5',1.79574490017661619186e+09,3);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    frame TEXT NOT NULL,
    created REAL NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    why TEXT NOT NULL,
    state TEXT NOT NULL,
    candidates TEXT NOT NULL,     -- codes with spaces between them
    prompt TEXT NOT NULL,
    negative TEXT,
    seed INTEGER NOT NULL,
    provider TEXT,
    ticket TEXT,
    picture INTEGER,
    card TEXT,
    error TEXT,
    message TEXT,
    settled REAL,
    fetched REAL
, template TEXT, translations TEXT NOT NULL DEFAULT '{}');
INSERT INTO "jobs" VALUES('AWsI5H4AAAAAAAAAAcd2-x3lI13bhHhUEZ3P1W0d36o','old','127.0.0.1',1.79574489497975277904e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,1,NULL,NULL,NULL,1.79574489497975277904e+09,1.79574489610971260071e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AWsI5IAAAAAAAAAAAjVZ3KSPlcP02Ll2I6gX_Mw6L8Q','old','127.0.0.1',1.79574489611259579657e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,2,NULL,NULL,NULL,1.79574489611259579657e+09,1.79574489649110722536e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AGsI5IAAAAAAAAAAAO8A4INziCKFBxubcgY1m5_NI8c','provider','127.0.0.1',1.79574489651213812829e+09,320,480,'asked for dear; dear painted','done','dear','a dear owl',NULL,872654161,'dear',NULL,4,NULL,NULL,NULL,1.79574489654943776129e+09,1.79574489686385774613e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AGsI5IAAAAAAAAAAAHDnrQlMPpHn5WtNsqdZkCM6xM8','provider','127.0.0.1',1.79574489691018509868e+09,320,480,'asked for atelier; atelier painted','done','atelier','a free owl',NULL,2006652345,'atelier',NULL,5,NULL,NULL,NULL,1.79574489992137527466e+09,1.79574490016842985154e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AWsI5IQAAAAAAAAAA0h_w6QwItvISz7_V8NBPZPXRnc','old','127.0.0.1',1.79574490017673802375e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,3,NULL,NULL,NULL,1.79574490017673802375e+09,1.79574490041699576375e+09,NULL,'{}');
CREATE TABLE notes (              -- single values that must survive a restart
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "notes" VALUES('asked:atelier','1795744896.9526868');
INSERT INTO "notes" VALUES('asked:dear','1795744896.5233197');
INSERT INTO "notes" VALUES('id_secret','9bfa78ab9dac3ebf1f4ca101a1cc0e1197487066121c16dedab2785d647f4be2');
INSERT INTO "notes" VALUES('starter_set','0');
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: ids on the wire carry it
    root TEXT NOT NULL,           -- 'store', or the code of the provider whose folder it lies in
    path TEXT NOT NULL,           -- below the root
    size INTEGER NOT NULL,        -- bytes
    mtime_ns INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    provider TEXT,                -- who made it; NULL: the owner put it there
    job TEXT,
    prompt TEXT,
    negative TEXT,
    model TEXT,
    seed INTEGER,
    details TEXT NOT NULL DEFAULT '{}',
    broken TEXT                   -- why it cannot be shown; cleared when the file changes
, sha256 TEXT, focus TEXT);
INSERT INTO "pictures" VALUES(1,'store','mine-0.jpg',725,1795744890903835375,1.79574489455246162411e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "pictures" VALUES(2,'store','mine-1.jpg',723,1795744890904096092,1.79574489455246162411e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "pictures" VALUES(3,'store','mine-2.jpg',724,1795744890904289350,1.79574489455246162411e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "pictures" VALUES(4,'store','original/f1795744896-9203d9e51ef1.jpg',3030,1795744896551267434,1.79574489656423377987e+09,'dear','AGsI5IAAAAAAAAAAAO8A4INziCKFBxubcgY1m5_NI8c','a dear owl',NULL,'a model',NULL,'{}',NULL,'670f0d1193a80477aa3aa9759f377f3a2bc9111774e3d4a467e5ab9db66eb8cf',NULL);
INSERT INTO "pictures" VALUES(5,'store','original/f1795744896-845e4da0b6ee.jpg',247626,1795744899928197904,1.7957448999631903171e+09,'atelier','AGsI5IAAAAAAAAAAAHDnrQlMPpHn5WtNsqdZkCM6xM8','a free owl',NULL,'woven',2006652345,'{"style": "woven"}',NULL,'c0617dae8904cc868307fe43547ff56216ab63aa7ebc8cc68602b589e54c7681',NULL);
CREATE TABLE sessions (           -- people who have given the password
    digest TEXT PRIMARY KEY,      -- SHA-256 of the cookie's secret
    created REAL NOT NULL,
    last_seen REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE sightings (          -- which frames were seen, and how they fared
    frame TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    requests INTEGER NOT NULL,
    fetched INTEGER NOT NULL,     -- pictures read to the end
    aborted INTEGER NOT NULL,     -- pictures that it stopped reading
    crossed INTEGER NOT NULL,     -- how often it asked for an older operation after it had begun a newer one
    visits TEXT NOT NULL          -- when it came for a new picture, the last few: seconds with spaces between them
) WITHOUT ROWID;
INSERT INTO "sightings" VALUES('127.0.0.1','127.0.0.1',1.7957448949793195724e+09,1.79574490042991566658e+09,16,5,0,0,'1795744895');
CREATE TABLE spending (           -- one row for each picture that was bought, or may have been
    id INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    provider TEXT NOT NULL,
    day TEXT NOT NULL,            -- the owner's local day
    at REAL NOT NULL,
    price TEXT NOT NULL,          -- a decimal number
    state TEXT NOT NULL           -- 'reserved' while the call is under way, then 'spent'
);
INSERT INTO "spending" VALUES(1,'AGsI5IAAAAAAAAAAAO8A4INziCKFBxubcgY1m5_NI8c','dear','2026-11-27',1.79574489652330279354e+09,'2.5','spent');
CREATE TABLE tokens (             -- programs that may come in
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,  -- SHA-256 of the token
    scopes TEXT NOT NULL,         -- with spaces between them
    created REAL NOT NULL,
    last_used REAL
) WITHOUT ROWID;
CREATE INDEX jobs_unfinished ON jobs (created) WHERE state IN ('queued', 'calling', 'waiting');
CREATE INDEX jobs_created ON jobs (created);
CREATE INDEX jobs_unfetched ON jobs (created) WHERE picture IS NOT NULL AND fetched IS NULL;
CREATE UNIQUE INDEX pictures_path ON pictures (root, path);
CREATE INDEX spending_days ON spending (provider, day, price);
CREATE UNIQUE INDEX spending_reserved ON spending (job) WHERE state = 'reserved';
CREATE INDEX spending_newest ON spending (at);
CREATE INDEX pictures_sha256 ON pictures (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX pictures_root ON pictures (root);
CREATE INDEX pictures_broken ON pictures (id) WHERE broken IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pictures',5);
COMMIT;
PRAGMA user_version=6;
