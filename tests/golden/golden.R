# Asks R's survey package about data.csv and brr.csv beside this file, and writes its answers to golden.json.
# Run by `make golden`; calls.py asks this project's engine the same, under the same names.

suppressPackageStartupMessages(library(survey))
cat(R.version.string, "; survey ", format(packageVersion("survey")), "\n", sep = "")

people <- read.csv("data.csv")
for (name in c("safe", "area", "sex")) people[[paste0(name, "_f")]] <- factor(people[[name]])
halves <- as.matrix(read.csv("brr.csv"))
tight <- glm.control(epsilon = 1e-13, maxit = 100)
per_area <- data.frame(area = c("new", "old", "village"), Freq = c(9000, 7500, 4500))
per_sex <- data.frame(sex = c("man", "woman"), Freq = c(10000, 11000))
greg <- c(`(Intercept)` = 21000, age = 1100000, area_fold = 7500, area_fvillage = 4500)

# -- designs ------------------------------------------------------------------------------------------------------------

plain <- quote(svydesign(~psu, strata = ~stratum, weights = ~w, nest = TRUE, data = people))
alone <- quote(svydesign(~psu, strata = ~alone, weights = ~w, nest = TRUE, data = people))
one_stage <- quote(svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~fpc1, nest = TRUE, data = people))
strat <- eval(plain)
clusters <- quote(svydesign(~interaction(stratum, psu), weights = ~w, data = people))
pairs <- quote(svydesign(~half, strata = ~stratum, weights = ~w, nest = TRUE, data = people))

designs <- list(
  rows = quote(svydesign(~1, weights = ~w, data = people)),
  implied = quote(svydesign(~1, strata = ~stratum, fpc = ~people, data = people)),
  clusters = clusters,
  strata = plain,
  one_stage = one_stage,
  fraction = quote(svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~share1, nest = TRUE, data = people)),
  two_stage = quote(svydesign(~psu + household, strata = ~stratum, weights = ~w, fpc = ~fpc1 + fpc2, nest = TRUE,
                              data = people)),
  domain = bquote(subset(.(plain), age >= 40 & income > 2000)),
  two_stage_domain = quote(subset(svydesign(~psu + household, strata = ~stratum, weights = ~w, fpc = ~fpc1 + fpc2,
                                            nest = TRUE, data = people), area == "old")),
  lonely_adjust = alone, lonely_average = alone, lonely_remove = alone, lonely_certainty = alone,
  post = bquote(postStratify(.(plain), ~area, per_area)),
  raked = bquote(rake(.(plain), list(~area, ~sex), list(per_area, per_sex), list(maxit = 200, epsilon = 1e-12))),
  raked_one_stage = bquote(rake(.(one_stage), list(~area, ~sex), list(per_area, per_sex),
                                list(maxit = 200, epsilon = 1e-12))),
  linear = bquote(calibrate(.(plain), ~age + area_f, greg, epsilon = 1e-12)),
  raking = bquote(calibrate(.(plain), ~age + area_f, greg, calfun = "raking", epsilon = 1e-12)),
  logit = bquote(calibrate(.(plain), ~age + area_f, greg, calfun = "logit", bounds = c(0.4, 3), epsilon = 1e-12)),
  raked_domain = bquote(subset(rake(.(plain), list(~area, ~sex), list(per_area, per_sex),
                                    list(maxit = 200, epsilon = 1e-12)), age >= 40)),
  jk1 = bquote(as.svrepdesign(.(clusters), type = "JK1")),
  jkn = bquote(as.svrepdesign(.(plain), type = "JKn")),
  jkn_mse = bquote(as.svrepdesign(.(plain), type = "JKn", mse = TRUE)),
  jkn_fpc = bquote(as.svrepdesign(.(one_stage), type = "JKn")),
  jkn_raked = bquote(rake(as.svrepdesign(.(plain), type = "JKn"), list(~area, ~sex), list(per_area, per_sex),
                          list(maxit = 200, epsilon = 1e-12))),
  jkn_domain = bquote(subset(as.svrepdesign(.(plain), type = "JKn"), age >= 40)),
  brr = quote(svrepdesign(data = people, repweights = halves, weights = ~w, type = "BRR", combined.weights = FALSE)),
  fay = quote(svrepdesign(data = people, repweights = 0.3 + 0.7 * halves, weights = ~w, type = "Fay", rho = 0.3,
                          combined.weights = FALSE))
)

# -- what is read off an answer -----------------------------------------------------------------------------------------

stat <- function(x, d) {
  ci <- unname(confint(x, df = degf(d)))
  list(est = coef(x), se = SE(x), low = ci[, 1], high = ci[, 2])
}
with_deff <- function(x, d) c(stat(x, d), list(deff = deff(x)))
only_est <- function(x, d) list(est = x)
proportion <- function(x, d) list(est = x, se = sqrt(attr(x, "var")), low = attr(x, "ci")[1], high = attr(x, "ci")[2])
quantiles <- function(x, d) {
  rows <- x[[1]]
  list(est = rows[, 1], low = rows[, 2], high = rows[, 3], se = rows[, 4])
}
model <- function(x, d) {
  table <- coef(summary(x))
  ci <- unname(confint(x))
  list(est = table[, 1], se = table[, 2], p = table[, 4], low = ci[, 1], high = ci[, 2], df = x$df.residual)
}
htest <- function(x, d) list(statistic = x$statistic, df = x$parameter, p = x$p.value)
ttest <- function(x, d) c(htest(x, d), list(est = x$estimate, low = x$conf.int[1], high = x$conf.int[2]))
wald <- function(x, d) list(F = x$Ftest, df = x$df, ddf = x$ddf, p = x$p)
no_ci <- function(x, d) list(est = coef(x), se = SE(x))

# -- cases ----------------------------------------------------------------------------------------------------------------

cases <- list()
ask <- function(of, name, read, call) {
  call <- substitute(call)
  for (design in of) {
    lonely <- if (startsWith(design, "lonely_")) sub("lonely_", "", design) else "fail"
    options(survey.lonely.psu = lonely)
    d <- eval(designs[[design]])
    values <- read(eval(call, list(d = d)), d)
    cases[[length(cases) + 1]] <<- list(
      name = paste0(design, ": ", name), call = text(call),
      design = paste0(text(designs[[design]]), if (lonely != "fail") paste(", lonely psu", lonely)),
      values = lapply(values, as.numeric)
    )
  }
}
text <- function(call) gsub(" +", " ", paste(deparse(call, 500), collapse = " "))

all <- names(designs)
linearized <- all[!grepl("jk|brr|fay", all)]
some <- c("rows", "strata", "two_stage", "domain", "raked", "jkn")

ask(all, "degrees of freedom", only_est, degf(d))
ask(all, "mean of visits and income", stat, svymean(~visits + income, d, na.rm = TRUE))
ask(all, "shares of safe", stat, svymean(~safe_f, d, na.rm = TRUE))
ask(all, "total of victim", stat, svytotal(~victim, d))
ask(all, "ratio of spent to income", stat, svyratio(~spent, ~income, d, na.rm = TRUE))
ask(all, "mean of afraid by sex", stat, svyby(~afraid, ~sex, d, svymean, na.rm = TRUE)[1:2, ])
ask(setdiff(all, "two_stage_domain"), "logistic model", model,
    svyglm(afraid ~ age + area_f + sex_f, d, family = quasibinomial(), control = tight))

ask(some, "mean of income by area and sex", stat, svyby(~income, ~sex + area, d, svymean))
ask(some, "total of visits by area", stat, svyby(~visits, ~area, d, svytotal, na.rm = TRUE))
ask(some, "deff of mean income", with_deff, svymean(~income + age, d, deff = TRUE))
ask(some, "deff with replacement", with_deff, svymean(~income + age, d, deff = "replace"))
ask(some, "logit interval", proportion, svyciprop(~I(victim == 1), d, method = "logit"))
ask(some, "beta interval", proportion, svyciprop(~I(victim == 1), d, method = "beta"))
ask(some, "xlogit interval", proportion, svyciprop(~I(victim == 1), d, method = "xlogit"))
ask(some, "asin interval", proportion, svyciprop(~I(victim == 1), d, method = "asin"))
ask(some, "wald interval", proportion, svyciprop(~I(victim == 1), d, method = "mean"))
ask(some, "quantiles of income", quantiles, svyquantile(~income, d, c(0.1, 0.5, 0.75)))
ask(some, "quantiles of visits", quantiles, svyquantile(~visits, d, c(0.25, 0.5, 0.9), na.rm = TRUE))
ask(c("strata", "two_stage"), "quantiles by hf7", quantiles, svyquantile(~income, d, c(0.1, 0.5, 0.75), qrule = "hf7"))
ask(c("strata", "two_stage"), "quantiles by school, beta", quantiles,
    svyquantile(~income, d, c(0.1, 0.5, 0.75), qrule = "school", interval.type = "beta"))
ask(c("strata", "two_stage"), "quantiles by hf8, xlogit", quantiles,
    svyquantile(~income, d, c(0.1, 0.5, 0.75), qrule = "hf8", interval.type = "xlogit"))
ask(c("strata", "two_stage", "post", "jkn"), "variance of income", no_ci, svyvar(~income, d))
ask(c("strata", "raked"), "table of area and sex", only_est, svytable(~sex + area, d))

ask(some, "linear model", model, svyglm(income ~ age * sex_f + spent, d, control = tight))
ask(some, "count model", model, svyglm(visits ~ age + area_f, d, family = quasipoisson(), control = tight))
ask(c("strata", "two_stage"), "Wald test of area", wald,
    regTermTest(svyglm(afraid ~ age + area_f + sex_f, d, family = quasibinomial(), control = tight), ~area_f))

ask(some, "F test of safe and sex", htest, svychisq(~safe + sex, d, statistic = "F"))
ask(some, "chi2 test of area and sex", htest, svychisq(~area + sex, d, statistic = "Chisq"))
ask(c("strata", "two_stage", "raked"), "Wald test of area and sex", htest,
    svychisq(~area + sex, d, statistic = "Wald"))
ask(c("strata", "two_stage", "raked"), "adjusted Wald test of area and sex", htest,
    svychisq(~area + sex, d, statistic = "adjWald"))
ask(some, "t-test of income by sex", ttest, svyttest(income ~ sex_f, d))
ask(some, "t-test of income", ttest, svyttest(I(income - 3000) ~ 0, d))
ask(some, "Wilcoxon test", htest, svyranktest(income ~ sex_f, d, test = "wilcoxon"))
ask(some, "van der Waerden test", htest, svyranktest(income ~ sex_f, d, test = "vanderWaerden"))
ask(some, "median test", htest, svyranktest(income ~ sex_f, d, test = "median"))
# survey 4.1.1 stops at more than two groups under replicate weights
ask(setdiff(some, "jkn"), "Kruskal-Wallis test", function(x, d) list(p = x$p.value),
    svyranktest(income ~ area_f, d, test = "KruskalWallis"))

ask(some, "difference of means", stat,
    svycontrast(svymean(~income + spent, d, na.rm = TRUE), c(income = 1, spent = -1)))
# survey 4.1.1 stops at the covariance of groups after raking
ask(setdiff(some, "raked"), "difference of groups", stat,
    svycontrast(svyby(~income, ~sex, d, svymean, covmat = TRUE), c(woman = 1, man = -1)))
ask(some, "log ratio of means", stat,
    svycontrast(svymean(~income + spent, d, na.rm = TRUE), quote(log(spent / income))))

# -- golden.json ----------------------------------------------------------------------------------------------------------

quoted <- function(x) paste0("\"", gsub("\"", "\\\\\"", x), "\"")
number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
entry <- function(case) {
  values <- paste0(quoted(names(case$values)), ": [", sapply(case$values, function(v) paste(number(v), collapse = ", ")),
                   "]", collapse = ", ")
  paste0("{\"name\": ", quoted(case$name), ", \"call\": ", quoted(case$call), ", \"design\": ", quoted(case$design),
         ",\n \"values\": {", values, "}}")
}
writeLines(c(paste0("{\"r\": ", quoted(R.version.string), ", \"survey\": ", quoted(format(packageVersion("survey"))),
                    ", \"cases\": ["), paste(sapply(cases, entry), collapse = ",\n"), "]}"), "golden.json")
cat(length(cases), "cases,", sum(lengths(unlist(lapply(cases, `[[`, "values"), recursive = FALSE))), "numbers\n")
