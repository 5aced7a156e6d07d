/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strata.hpp -- the tables of a dataset for who uses SOCI: db["tree_1"] is the soci::session to use
 *
 *     strata::dataset db("/var/lib/strata", "mini");
 *     int n;
 *     db["tree_1"] << "select count(*) from tree_1", soci::into(n);
 *
 * A header of its own: link with -lstrata -lsoci_core -lsoci_postgresql -lpq. There is one session a server, made when it is needed, and
 * made anew when it was lost; a reference to one is good until the next [] for a table of its server. One thread at a time.
 */
#ifndef STRATA_HPP
#define STRATA_HPP

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include "strata.h"

namespace strata {

class error : public std::runtime_error {
public:
    explicit error(const strata_error &what) : std::runtime_error(what.message), code(what.code), hint(what.hint) {}
    const int code;
    const std::string hint;
};

class dataset {
public:
    dataset(const std::string &dir, const std::string &name)
    {
        strata_error why;

        dataset_.reset(strata_dataset_open(dir.c_str(), name.c_str(), &why));
        if (!dataset_)
            throw error(why);
    }

    /* A session with a server that has an active copy of the table. */
    soci::session &operator[](const std::string &table)
    {
        strata_error why;
        const char *server, *dsn = strata_dataset_route(dataset_.get(), table.c_str(), &server, &why);

        if (!dsn)
            throw error(why);
        return session_of(server, dsn);
    }

    /* The names of the tables, each once. */
    std::vector<std::string> tables() const
    {
        std::vector<std::string> names;

        for (const char *const *name = strata_dataset_tables(dataset_.get()); *name; name++)
            names.emplace_back(*name);
        return names;
    }

    /* What every session does before it is used, also one that is made anew: settings, temporary tables. */
    void on_connect(std::function<void(soci::session &)> hook)
    {
        for (auto &known : sessions_)
            hook(*known.second);
        hooks_.push_back(std::move(hook));
    }

    /* Close all sessions; they are made again when they are needed. */
    void restart()
    {
        sessions_.clear();
        strata_dataset_restart(dataset_.get());
    }

    strata_dataset *handle() const { return dataset_.get(); }

private:
    struct closer {
        void operator()(strata_dataset *dataset) const { strata_dataset_close(dataset); }
    };

    soci::session &session_of(const std::string &server, const char *dsn)
    {
        std::unique_ptr<soci::session> &session = sessions_[server];

        if (!session || !session->is_connected()) {
            std::unique_ptr<soci::session> fresh(new soci::session(soci::postgresql, dsn));

            for (auto &hook : hooks_)
                hook(*fresh);
            session = std::move(fresh);
        }
        return *session;
    }

    std::unique_ptr<strata_dataset, closer> dataset_;
    std::map<std::string, std::unique_ptr<soci::session>> sessions_;
    std::vector<std::function<void(soci::session &)>> hooks_;
};

} // namespace strata

#endif
