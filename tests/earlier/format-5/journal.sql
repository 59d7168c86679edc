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
INSERT INTO "frames" VALUES('127.0.0.1','',2090894998498204804,1,3,3,3,'4 5',1.79574488916239976884e+09,3);
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
INSERT INTO "jobs" VALUES('AWsI5HQAAAAAAAAAAaQ1MGSbfl6kS1h8BOnabB9FQ90','old','127.0.0.1',1.79574488439000129694e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,1,NULL,NULL,NULL,1.79574488439000129694e+09,1.79574488559946060179e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AWsI5HUAAAAAAAAAAhMVLwRNUzBSQBIunGUX7vrHDmY','old','127.0.0.1',1.79574488560579252245e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,2,NULL,NULL,NULL,1.79574488560579252245e+09,1.79574488591895580292e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AGsI5HUAAAAAAAAAAIjlcfHuglExAorQaCft2CvjNT8','provider','127.0.0.1',1.79574488592715644837e+09,320,480,'asked for dear; dear painted','done','dear','a dear owl',NULL,888163973,'dear',NULL,4,NULL,NULL,NULL,1.79574488594350719456e+09,1.79574488608938670161e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AGsI5HYAAAAAAAAAANvl4Wuk6zMVWlnDmQx5LqIZXIk','provider','127.0.0.1',1.79574488609835648542e+09,320,480,'asked for atelier; atelier painted','done','atelier','a free owl',NULL,1526284538,'atelier',NULL,5,NULL,NULL,NULL,1.79574488886196684841e+09,1.79574488914345717425e+09,NULL,'{}');
INSERT INTO "jobs" VALUES('AWsI5HkAAAAAAAAAA1WXe2K2PrsT-A80rRnkIbJMmfQ','old','127.0.0.1',1.79574488916250634188e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,3,NULL,NULL,NULL,1.79574488916250634188e+09,1.79574488945424175266e+09,NULL,'{}');
CREATE TABLE notes (              -- single values that must survive a restart
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "notes" VALUES('asked:atelier','1795744886.1197312');
INSERT INTO "notes" VALUES('asked:dear','1795744885.9319031');
INSERT INTO "notes" VALUES('id_secret','fb78e6ab142c099068579b11cf10a0b9adff144206bd94b338e9767632f1d564');
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
INSERT INTO "pictures" VALUES(1,'store','mine-0.jpg',725,1795744879850056360,1.79574488413059639934e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "pictures" VALUES(2,'store','mine-1.jpg',723,1795744879850240393,1.79574488413059639934e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "pictures" VALUES(3,'store','mine-2.jpg',724,1795744879850371248,1.79574488413059639934e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL);
INSERT INTO "pictures" VALUES(4,'store','original/f1795744885-ab155321ffe9.jpg',3030,1795744885944093870,1.79574488595659589765e+09,'dear','AGsI5HUAAAAAAAAAAIjlcfHuglExAorQaCft2CvjNT8','a dear owl',NULL,'a model',NULL,'{}',NULL,'670f0d1193a80477aa3aa9759f377f3a2bc9111774e3d4a467e5ab9db66eb8cf',NULL);
INSERT INTO "pictures" VALUES(5,'store','original/f1795744886-e2ad75e2bddc.jpg',237698,1795744888863485947,1.79574488887519359593e+09,'atelier','AGsI5HYAAAAAAAAAANvl4Wuk6zMVWlnDmQx5LqIZXIk','a free owl',NULL,'watercolour',1526284538,'{"style": "watercolour"}',NULL,'6a63f3f75374a6925a0bb184e063147847301e406db86283df741fbf09673bc0',NULL);
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
INSERT INTO "sightings" VALUES('127.0.0.1','127.0.0.1',1.79574488438958072659e+09,1.79574488948361659051e+09,16,5,0,0,'1795744884');
CREATE TABLE spending (           -- one row for each picture that was bought, or may have been
    id INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    provider TEXT NOT NULL,
    day TEXT NOT NULL,            -- the owner's local day
    at REAL NOT NULL,
    price TEXT NOT NULL,          -- a decimal number
    state TEXT NOT NULL           -- 'reserved' while the call is under way, then 'spent'
);
INSERT INTO "spending" VALUES(1,'AGsI5HUAAAAAAAAAAIjlcfHuglExAorQaCft2CvjNT8','dear','2026-11-27',1.79574488593188333514e+09,'2.5','spent');
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pictures',5);
COMMIT;
PRAGMA user_version=5;
