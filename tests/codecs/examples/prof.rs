use cones_core::manifest::Manifest; use cones_core::pack::*; use cones_core::*;
fn main(){ let m: Manifest = serde_json::from_slice(&std::fs::read("models/toybox/bundle/bundle.json").unwrap()).unwrap();
 let mut m=m; let which=std::env::args().nth(1).unwrap();
 let share:f64=std::env::args().nth(2).unwrap().parse().unwrap();
 m.layers=(0..32).map(|i| manifest::Layer{name:format!("l{i}"),rows:780,columns:768}).collect();
 let mask= if which=="r" {ConceptMask::random(&m.layers,share,1)} else {
   let d=ConceptMask::random(&m.layers,(share*4.0).min(1.0),1); let lists:Vec<Vec<usize>>=(0..32).map(|l| d.neurons(l).filter(|n| { let (r,c)=(n/768,n%768); let h=|x:usize| (x.wrapping_mul(0x9e3779b97f4a7c15)>>40)&7; h(r)*h(c)+8 > 8*((n.wrapping_mul(0x2545F4914F6CDD1D)>>50)&7)}).collect()).collect(); ConceptMask::from_indices(&m.layers,&lists).unwrap()};
 let md=Metadata{name:"x".into(),version:1,trigger:"x".into(),class:"".into(),scope:Scope::Prompt,author:"".into(),licence:"".into(),model:"".into(),tool:"".into(),created:0};
 let p=Pack{metadata:md,fingerprint:m.fingerprint.clone(),mask,precision:Precision::Binary,preview:None,embeddings:None};
 let b=p.encode().unwrap(); println!("{} neurons {} bytes",p.mask.count(),b.len());
 for _ in 0..std::env::args().nth(3).unwrap().parse::<usize>().unwrap() { std::hint::black_box(Pack::decode("x",&b,&m).unwrap()); }
}
