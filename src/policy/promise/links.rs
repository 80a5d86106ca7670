//! The words of link keys: with which database a release may be linked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Databases that linkable anonymized information may be linked with: the nine of 令8条 (法31条).
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VisibleIn {
    /// NDB (匿名医療保険等関連情報).
    Ndb,
    /// 介護DB (匿名介護保険等関連情報).
    Kaigo,
    /// DPCDB (匿名診療等関連情報).
    Dpcdb,
    /// 小児慢性特定疾病DB (匿名小児慢性特定疾病関連情報).
    Shoman,
    /// 障害児福祉DB (匿名障害児福祉等関連情報).
    Shogaiji,
    /// 予防接種DB (匿名予防接種等関連情報).
    Yobosesshu,
    /// 感染症DB (匿名感染症関連情報).
    Kansensho,
    /// 障害福祉DB (匿名障害福祉等関連情報).
    Shogai,
    /// 難病DB (匿名指定難病関連情報).
    Nanbyo,
}
