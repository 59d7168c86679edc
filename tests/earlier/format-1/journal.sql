BEGIN TRANSACTION;
CREATE TABLE frames (             -- where each frame stands in its lap through the stored pictures
    frame TEXT NOT NULL,
    scope TEXT NOT NULL,          -- '' for everything stored, else one provider's folder
    seed INTEGER NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    position INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    ahead TEXT NOT NULL,          -- newer pictures it has seen already: ids with spaces between them
    last_seen REAL NOT NULL,
    PRIMARY KEY (frame, scope)
) WITHOUT ROWID;
INSERT INTO "frames" VALUES('127.0.0.1','',2507519142864141649,1,3,3,3,'4 5',1.79574485440271687511e+09);
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
);
INSERT INTO "jobs" VALUES('AWsI5FMAAAAAAAAAAjKFljzjcrI4sl43dVDhiMZkq3w','old','127.0.0.1',1.79574485128254127501e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,2,NULL,NULL,NULL,1.79574485128254127501e+09,1.79574485143143701554e+09);
INSERT INTO "jobs" VALUES('AWsI5FMAAAAAAAAAA9k9JFDxwYD61cvImKyUc8fAOd0','old','127.0.0.1',1.79574485143796753888e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,3,NULL,NULL,NULL,1.79574485143796753888e+09,1.79574485147660708431e+09);
INSERT INTO "jobs" VALUES('AGsI5FMAAAAAAAAAABW0FBbmD33a-DHO3m4yK-_Jdaw','provider','127.0.0.1',1.79574485147798323632e+09,320,480,'asked for dear; dear painted','done','dear','a dear owl',NULL,1836601361,'dear',NULL,4,NULL,NULL,NULL,1.79574485154704093937e+09,1.79574485162743544583e+09);
INSERT INTO "jobs" VALUES('AGsI5FMAAAAAAAAAAK6JXLaM9ITqXfybXnjpURZk5gE','provider','127.0.0.1',1.79574485162876176834e+09,320,480,'asked for atelier; atelier painted','done','atelier','a free owl',NULL,101850778,'atelier',NULL,5,NULL,NULL,NULL,1.79574485435725569731e+09,1.79574485440175557133e+09);
INSERT INTO "jobs" VALUES('AWsI5FYAAAAAAAAAAZbdhh65LLb-ZxJny9jf4Dfpnks','old','127.0.0.1',1.79574485440286231042e+09,320,480,'asked for a stored picture; next in the lap','done','','',NULL,0,NULL,NULL,1,NULL,NULL,NULL,1.79574485440286231042e+09,1.7957448544172964096e+09);
CREATE TABLE notes (              -- single values that must survive a restart
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "notes" VALUES('id_secret','b891ff62f0711b8b0479283f9017f5e88670b8ac93feebdf7d11e3b5c39fb3fb');
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
);
INSERT INTO "pictures" VALUES(1,'store','mine-0.jpg',725,1795744849186708762,1.79574485124788665773e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(2,'store','mine-1.jpg',723,1795744849214568680,1.79574485124788665773e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(3,'store','mine-2.jpg',724,1795744849215622240,1.79574485124788665773e+09,NULL,NULL,NULL,NULL,NULL,NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(4,'store','original/f1795744851-9a57de9fef78.jpg',3030,1795744851547442067,1.79574485155570816993e+09,'dear','AGsI5FMAAAAAAAAAABW0FBbmD33a-DHO3m4yK-_Jdaw','a dear owl',NULL,'a model',NULL,'{}',NULL);
INSERT INTO "pictures" VALUES(5,'store','original/f1795744851-ae98b40e333d.jpg',324373,1795744854357579632,1.79574485436407017702e+09,'atelier','AGsI5FMAAAAAAAAAAK6JXLaM9ITqXfybXnjpURZk5gE','a free owl',NULL,'woven',101850778,'{"style": "woven"}',NULL);
CREATE INDEX jobs_unfinished ON jobs (created) WHERE state IN ('queued', 'calling', 'waiting');
CREATE INDEX jobs_created ON jobs (created);
CREATE INDEX jobs_unfetched ON jobs (created) WHERE picture IS NOT NULL AND fetched IS NULL;
CREATE UNIQUE INDEX pictures_path ON pictures (root, path);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pictures',5);
COMMIT;
PRAGMA user_version=1;
