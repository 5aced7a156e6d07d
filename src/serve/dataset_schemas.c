/* SPDX-License-Identifier: Apache-2.0 */
/* What answers about datasets look like, for /openapi.json. */
#include "serve/dataset_routes.h"

#define LIST_OF(item)                                                                                                      \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":" item \
    "},\"next\":{\"type\":\"string\",\"nullable\":true}}}"
#define TEXT     "{\"type\":\"string\"}"
#define TEXT_0   "{\"type\":\"string\",\"nullable\":true}"
#define TIME_0   "{\"type\":\"string\",\"format\":\"date-time\",\"nullable\":true}"
#define NUMBER   "{\"type\":\"integer\",\"format\":\"int64\"}"
#define NUMBER_0 "{\"type\":\"integer\",\"format\":\"int64\",\"nullable\":true}"
#define BOOLEAN  "{\"type\":\"boolean\"}"
#define JOB                                                                                               \
    "{\"type\":\"object\",\"properties\":{\"id\":" NUMBER ",\"dataset\":" TEXT                            \
    ",\"state\":{\"type\":\"string\",\"enum\":[\"waiting\","                                              \
    "\"running\",\"done\",\"failed\",\"cancelled\"]},\"user\":" TEXT ",\"sql\":" TEXT ",\"format\":" TEXT \
    ",\"created\":" TIME_0 ",\"started\":" TIME_0 ",\"ended\":" TIME_0 ",\"rows\":" NUMBER                \
    ",\"parts\":" NUMBER ",\"parts_total\":" NUMBER_0 ",\"retries\":" NUMBER ",\"error\":" TEXT_0 "}}"

static const ServerSchema schemas[] = {
    {"DatasetList", LIST_OF("{\"type\":\"object\",\"properties\":{\"name\":" TEXT ",\"database\":" TEXT
                            ",\"servers\":{\"type\":\"array\",\"items\":" TEXT "}}}")},
    {"DatasetServerList",
     LIST_OF(
         "{\"type\":\"object\",\"properties\":{\"server\":" TEXT
         ",\"state\":{\"type\":\"string\",\"enum\":[\"ok\","
         "\"behind\",\"differs\",\"damaged\",\"missing\",\"down\"]},\"health\":{\"type\":\"string\",\"enum\":"
         "[\"good\",\"suspect\",\"down\"]},\"epoch\":" NUMBER_0 ",\"error\":" TEXT_0 "}}")},
    {"DatasetTableList",
     LIST_OF("{\"type\":\"object\",\"properties\":{\"table\":" TEXT ",\"rows\":" NUMBER
             ",\"copies\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"server\":" TEXT
             ",\"active\":" BOOLEAN ",\"primary\":" BOOLEAN
             "}}},\"bytes\":{\"type\":\"object\",\"additionalProperties\":" NUMBER "}}}")},
    {"DatasetJob", JOB},
    {"DatasetJobList", LIST_OF(JOB)},
};

void dataset_schemas(Server *server)
{
    server_schemas(server, schemas, COUNT_OF(schemas));
}
